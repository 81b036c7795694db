import Foundation
import Jobs

extension RunningHours {
    /// Whether jobs may run at this moment.
    var areNow: Bool {
        var now = time(nil)
        var parts = tm()
        // Somebody may have given the machine another time zone since.
        tzset()
        localtime_r(&now, &parts)
        return contains(minute: Int(parts.tm_hour) * 60 + Int(parts.tm_min))
    }
}
