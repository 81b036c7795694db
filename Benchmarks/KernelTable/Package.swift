// swift-tools-version: 6.1
import PackageDescription

// Kept out of the main package, so that neither its build nor its products carry benchmarks.
let package = Package(
    name: "KernelTable",
    dependencies: [.package(name: "segmixd", path: "../..")],
    targets: [
        .target(name: "CCeiling", cSettings: [.unsafeFlags(["-O3"])]),
        .executableTarget(name: "kernel-table", dependencies: ["CCeiling", .product(name: "Engine", package: "segmixd")]),
        .executableTarget(
            name: "vision-model", dependencies: [.product(name: "Engine", package: "segmixd"), .product(name: "Vision", package: "segmixd")]),
    ],
    swiftLanguageModes: [.v6]
)
