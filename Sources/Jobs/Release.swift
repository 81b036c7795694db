import CRelease

/// Which segmixd this is.
public enum Release {
    /// As the Debian package is numbered: "0.1.0+git20261128.190200.61073d7".
    public static let version = String(cString: segmixd_version())
}
