// SPDX-License-Identifier: MIT

internal import Glibc

/// Reads a whole file, also one of `/proc`.
///
/// - Parameter path: The path of the file.
/// - Returns: Its bytes as text, or nil if it cannot be opened.
public func textOfFile(_ path: String) -> String? { bytesOfFile(path).map { String(decoding: $0, as: UTF8.self) } }

/// Reads a whole file, also one of `/proc`.
///
/// - Parameter path: The path of the file.
/// - Returns: Its bytes, or nil if it cannot be opened.
public func bytesOfFile(_ path: String) -> [UInt8]? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 65536)
    while true {
        let count = read(file, &block, block.count)
        guard count > 0 else { return bytes }
        bytes += block[..<count]
    }
}

/// Lists a folder.
///
/// - Parameter path: The path of the folder.
/// - Returns: The sorted names, without `.` and `..`; none if it cannot be opened.
public func namesInFolder(_ path: String) -> [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
}

/// The number that follows a word at the start of a line, as in the files of `/proc`.
///
/// - Parameters:
///   - word: The word, such as `VmRSS:`.
///   - text: The lines.
/// - Returns: The first such number, or nil.
public func number(after word: String, in text: String) -> Int? {
    for line in text.split(separator: "\n") where line.hasPrefix(word) {
        return line.dropFirst(word.count).split { !$0.isNumber }.first.flatMap { Int($0) }
    }
    return nil
}
