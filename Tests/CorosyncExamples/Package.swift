// swift-tools-version: 6.2
// SPDX-License-Identifier: MIT

import PackageDescription

let package = Package(
    name: "corosync-examples",
    dependencies: [.package(name: "vqwatch", path: "../..")],
    targets: [
        .executableTarget(
            name: "follow-quorum",
            dependencies: [.product(name: "Corosync", package: "vqwatch")],
            path: "FollowQuorum"),
        .executableTarget(
            name: "follow-quorum-async",
            dependencies: [.product(name: "Corosync", package: "vqwatch")],
            path: "FollowQuorumAsync"),
    ]
)
