import CFiles
import Foundation

/// Whether a place is on this machine, or on another that tells nobody when it changes something.
public enum FileSystemKind: Equatable, Sendable {
    case local, network

    /// Local where nothing can be found out.
    public init(of path: String) {
        var status = statfs()
        guard statfs(path, &status) == 0 else {
            self = .local
            return
        }
        self.init(magic: UInt32(truncatingIfNeeded: Int(status.f_type)))
    }

    /// - Parameter magic: `f_type` of statfs(2).
    public init(magic: UInt32) {
        self = Self.remote.contains(magic) ? .network : .local
    }

    /// NFS, SMB, SMB2, CIFS, FUSE (sshfs, bindfs, rclone), 9p, Ceph, Lustre, AFS, OCFS2, GFS2, vboxsf, virtiofs is FUSE.
    private static let remote: Set<UInt32> = [
        0x6969, 0x517B, 0xFE53_4D42, 0xFF53_4D42, 0x6573_5546, 0x0102_1997, 0x00C3_6400, 0x0BD0_0BD0, 0x5346_414F, 0x7461_636F, 0x0116_1970, 0x786F_4256,
    ]
}
