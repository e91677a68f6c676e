// SPDX-License-Identifier: MIT

internal import CLinux
internal import Glibc

/// Whether standard output leads to the journal: whether `JOURNAL_STREAM` names its device and inode (systemd.exec(5)).
public func isJournal(_ journalStream: String?) -> Bool {
    let numbers = (journalStream ?? "").split(separator: ":", omittingEmptySubsequences: false).map { UInt64($0) }
    var information = stat()
    guard numbers.count == 2, fstat(STDOUT_FILENO, &information) == 0 else { return false }
    return numbers == [UInt64(information.st_dev), UInt64(information.st_ino)]
}
