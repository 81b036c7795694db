/// What `body` throws, as the user reads it; nil where it throws nothing.
public func sentence(_ body: () throws -> Void) -> String? {
    do { try body() } catch { return "\(error)" }
    return nil
}
