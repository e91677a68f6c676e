// swift-tools-version: 6.2
// SPDX-License-Identifier: MIT

import PackageDescription

let package = Package(
    name: "vqwatch",
    products: [
        .executable(name: "vqwatch", targets: ["vqwatch"]),
        .library(name: "Corosync", targets: ["Corosync"]),
    ],
    dependencies: [
        // The command line: options, help and shell completions.
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        // The event queues: a deque frees each element when it is removed.
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    ],
    targets: [
        // No pkgConfig: with it every build prints "prohibited flag(s): -pthread".
        .systemLibrary(
            name: "CCorosync",
            providers: [.apt(["libvotequorum-dev", "libcmap-dev", "libcorosync-common-dev"])]
        ),
        .target(
            name: "Corosync",
            dependencies: ["CCorosync", .product(name: "DequeModule", package: "swift-collections")]
        ),
        // Functions that are missing from Swift's Glibc module: eventfd, signalfd, timerfd.
        .systemLibrary(name: "CLinux"),
        .target(
            name: "QuorumWatch",
            dependencies: [
                "CLinux", "Corosync",
                .product(name: "DequeModule", package: "swift-collections"),
            ]
        ),
        .target(
            name: "QuorumCommand",
            dependencies: [
                "QuorumWatch",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]
        ),
        .executableTarget(name: "vqwatch", dependencies: ["QuorumCommand"]),
        .target(name: "TestSupport", path: "Tests/Support"),
        .executableTarget(name: "quorum-device", dependencies: ["Corosync"], path: "Tests/QuorumDevice"),
        .testTarget(name: "SandboxTests", dependencies: ["TestSupport", "quorum-device"]),
        .executableTarget(
            name: "standin-probe",
            path: "Tests/StandInProbe",
            linkerSettings: [.linkedLibrary("votequorum"), .linkedLibrary("cmap"), .linkedLibrary("corosync_common")]
        ),
        .executableTarget(name: "corosync-exercise", dependencies: ["Corosync"], path: "Tests/CorosyncExercise"),
        .testTarget(name: "CorosyncTests", dependencies: ["Corosync", "TestSupport", "corosync-exercise"]),
        .testTarget(
            name: "QuorumWatchTests",
            dependencies: [
                "Corosync", "QuorumWatch", "TestSupport",
            ],
            exclude: ["Pages"]),
        .testTarget(
            name: "FuzzTests", dependencies: ["Corosync", "QuorumCommand", "QuorumWatch", "TestSupport"],
            exclude: ["Corpus", "LibFuzzer.swift"]),
        .testTarget(
            name: "EnduranceTests", dependencies: ["TestSupport"], exclude: ["valgrind.supp"]),
        // The stand-in itself is no target: `StandIn` of TestSupport compiles it.
        .testTarget(name: "StandInTests", dependencies: ["TestSupport", "standin-probe"]),
        .testTarget(
            name: "DocumentationTests",
            dependencies: [
                "QuorumWatch", "TestSupport", "quorum-device",
            ]),
        .testTarget(name: "FaultTests", dependencies: ["TestSupport"], exclude: ["README.md"]),
        .testTarget(
            name: "PredictionTests", dependencies: ["Corosync", "QuorumWatch", "TestSupport", "quorum-device"],
            exclude: ["vqsim-log.c"]),
        .testTarget(name: "CommandLineTests", dependencies: ["TestSupport", "quorum-device"]),
    ],
    swiftLanguageModes: [.v6]
)

// `make fuzz`: the code of FuzzTests, with libFuzzer as the main program.
if Context.environment["VQWATCH_LIBFUZZER"] != nil {
    package.products = []
    package.targets.removeAll { $0.type == .test || $0.name == "vqwatch" }
    package.targets.append(
        .executableTarget(
            name: "fuzzer", dependencies: ["Corosync", "QuorumCommand", "QuorumWatch", "TestSupport"],
            path: "Tests/FuzzTests", exclude: ["Corpus", "FuzzTests.swift"]))
}

for target in package.targets where target.type != .system {
    target.swiftSettings =
        (target.swiftSettings ?? []) + [
            .treatAllWarnings(as: .error),
            .enableUpcomingFeature("ExistentialAny"),
            .enableUpcomingFeature("MemberImportVisibility"),
            .enableUpcomingFeature("InternalImportsByDefault"),
        ]
}
