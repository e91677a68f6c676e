// SPDX-License-Identifier: MIT

internal import Glibc

/// The advice to the user when no descriptor is available.
let adviceOnOpenFiles = "allow more open files (ulimit -n)"

/// The failure of a system call that the watch depends on.
package struct SystemError: Error, CustomStringConvertible {
    let call: String
    /// Its error number (errno(3)).
    let number: CInt

    /// What failed, why, and what to do.
    package var description: String {
        let advice =
            switch number {
            case EMFILE, ENFILE: adviceOnOpenFiles
            case EIO: "start it in the foreground of the terminal"
            case EAGAIN: "allow more processes (ulimit -u, or TasksMax= of the unit)"
            default: "see whether the system is out of memory"
            }
        return "cannot start: \(call): \(String(cString: strerror(number))); \(advice)"
    }

    /// The result of a call that returns -1 when it fails.
    static func check(_ call: String, _ result: CInt) throws(SystemError) -> CInt {
        guard result >= 0 else { throw SystemError(call: call, number: errno) }
        return result
    }
}
