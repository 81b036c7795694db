// swift-tools-version: 6.1
import Foundation
import PackageDescription

// Without oneDNN everything but bfloat16 still works.
let hasOneDNN = ["/usr/include/dnnl.h", "/usr/local/include/dnnl.h"].contains { FileManager.default.fileExists(atPath: $0) }

// The Makefile says which commit it builds.
let version: [CSetting] = Context.environment["SEGMIXD_VERSION"].map { [.define("SEGMIXD_VERSION", to: "\"\($0)\"")] } ?? []

// Dependencies point up this list, never down. The daemon never links the engine: Daemon, StatusPage and
// segmixd stop at JobStore and Jobs; everything that computes is reached only through the `segmix` executable.
let package = Package(
    name: "segmixd",
    products: [
        .executable(name: "segmixd", targets: ["segmixd"]),
        .executable(name: "segmix", targets: ["segmix"]),
        // For Benchmarks/KernelTable, which times the operations one by one.
        .library(name: "Engine", targets: ["CPUDevice", "Tensors"]),
        // For Benchmarks/KernelTable's vision-model, which times whole encoders.
        .library(name: "Vision", targets: ["Images", "Vision", "Weights"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    ],
    targets: [
        // Libraries of the system, found through pkg-config where they have a file for it.
        .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(name: "COneDNN", providers: [.apt(["libdnnl-dev"])]),
        .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
        .systemLibrary(name: "CTurboJPEG", pkgConfig: "libturbojpeg", providers: [.apt(["libturbojpeg0-dev"])]),
        .systemLibrary(name: "CFreeType", pkgConfig: "freetype2", providers: [.apt(["libfreetype-dev"])]),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CInotifyTools", providers: [.apt(["libinotifytools0-dev"])]),
        .systemLibrary(name: "CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),

        // Writing so that nothing half-written is ever visible.
        .target(name: "CFiles"),
        .target(name: "Files", dependencies: ["CFiles"]),

        // The engine.
        // Debug builds of the kernels would be useless, so they are optimised always.
        .target(
            name: "CKernels", dependencies: ["COpenBLAS", "COneDNN"], cSettings: [.unsafeFlags(["-O3"])],
            linkerSettings: hasOneDNN ? [.linkedLibrary("dnnl")] : []),
        .target(name: "Tensors"),
        .target(name: "CPUDevice", dependencies: ["CKernels", "COpenBLAS", "Files", "Tensors"]),
        .target(name: "Weights", dependencies: ["CFiles", "Files", "Tensors", .product(name: "Crypto", package: "swift-crypto")]),
        .target(name: "Layers", dependencies: ["Tensors", "Weights"]),
        .target(name: "Diffusion", dependencies: ["Files", "Layers", "Tensors", "Weights"]),

        // Pictures and the method.
        .target(name: "CImageIO", dependencies: ["CPNG"], cSettings: [.unsafeFlags(["-O3"])]),
        .target(name: "Images", dependencies: ["CFreeType", "CImageIO", "CTurboJPEG", "Files"]),
        .target(name: "Vision", dependencies: ["Diffusion", "Images", "Layers", "Tensors", "Weights"]),
        .target(name: "SegMix", dependencies: ["Files", "Images", "Tensors"]),
        .target(name: "Training", dependencies: ["Diffusion", "Files", "SegMix", "Tensors", "Weights", .product(name: "Crypto", package: "swift-crypto")]),

        // Jobs: what both trees share. It links neither the engine nor the daemon.
        .target(name: "CRelease", cSettings: version),
        .target(name: "Jobs", dependencies: ["CRelease", "Files", "CYAML"]),
        .target(name: "Pipeline", dependencies: ["CPUDevice", "Diffusion", "Files", "Images", "Jobs", "SegMix", "Tensors", "Training", "Vision", "Weights", .product(name: "Crypto", package: "swift-crypto")]),
        // The queue on the disk, shared by the daemon and the commands that look at it.
        .target(name: "JobStore", dependencies: ["Files", "Jobs", .product(name: "GRDB", package: "GRDB.swift")]),
        .target(
            name: "Daemon",
            dependencies: [
                "CInotifyTools", "CSystemd", "Files", "JobStore", "Jobs",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]),

        .target(
            name: "StatusPage",
            dependencies: [
                "Files", "JobStore", "Jobs",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            resources: [.embedInCode("Assets")]),

        .executableTarget(
            name: "segmixd",
            dependencies: [
                "Daemon", "Files", "JobStore", "Jobs", "StatusPage", .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]),
        .executableTarget(
            name: "segmix",
            dependencies: ["CFiles", "Files", "JobStore", "Jobs", "Pipeline", "Tensors", .product(name: "ArgumentParser", package: "swift-argument-parser")]),

        // What the input campaign (Tests/input) reads strange files with.
        .target(name: "ReaderLoop", path: "Tests/input/ReaderLoop"),
        .executableTarget(name: "read-inputs", dependencies: ["Images", "Jobs", "ReaderLoop"], path: "Tests/input/Reader"),
        .executableTarget(name: "read-weights", dependencies: ["ReaderLoop", "Weights"], path: "Tests/input/WeightsReader"),

        // What several test targets read their references with.
        .target(name: "ModelGoldens", dependencies: ["CPUDevice", "Diffusion", "Images", "Tensors", "Weights"], path: "Tests/ModelGoldens"),
        // Folders that go with the test, and what is thrown there as a sentence.
        .target(name: "TestFolders", path: "Tests/TestFolders"),

        .testTarget(name: "TensorsTests", dependencies: ["CPUDevice", "Tensors"]),
        .testTarget(name: "CPUDeviceTests", dependencies: ["CPUDevice", "CKernels"]),
        .testTarget(name: "WeightsTests", dependencies: ["CPUDevice", "TestFolders", "Weights"]),
        .testTarget(name: "DiffusionTests", dependencies: ["CPUDevice", "Diffusion", "ModelGoldens", "TestFolders", "Training", "Weights"]),
        .testTarget(name: "ImagesTests", dependencies: ["Images"]),
        .testTarget(name: "VisionTests", dependencies: ["CPUDevice", "Diffusion", "Images", "ModelGoldens", "TestFolders", "Vision", "Weights"]),
        .testTarget(name: "SegMixTests", dependencies: ["Images", "SegMix", "Tensors"]),
        .testTarget(
            name: "TrainingTests",
            dependencies: ["CPUDevice", "Diffusion", "Files", "Images", "ModelGoldens", "SegMix", "Tensors", "TestFolders", "Training", "Weights"]),
        // The programs themselves are run: `segmix` and `segmixd` are built beside the tests.
        .testTarget(
            name: "PipelineTests",
            dependencies: ["CPUDevice", "Diffusion", "Files", "Images", "JobStore", "Jobs", "ModelGoldens", "Pipeline", "SegMix", "Tensors", "TestFolders", "Training", "Weights", "segmix", "segmixd"]),
        .testTarget(name: "JobsTests", dependencies: ["Files", "Jobs", "TestFolders"]),
        .testTarget(name: "JobStoreTests", dependencies: ["Files", "JobStore", "Jobs", .product(name: "GRDB", package: "GRDB.swift")]),
        .testTarget(
            name: "StatusPageTests",
            dependencies: [
                "Files", "JobStore", "Jobs", "StatusPage", "TestFolders", .product(name: "HummingbirdTesting", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"), .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]),
        .testTarget(
            name: "DaemonTests",
            dependencies: [
                "Daemon", "Files", "JobStore", "Jobs", "TestFolders", .product(name: "GRDB", package: "GRDB.swift"), .product(name: "Logging", package: "swift-log"),
            ]),
    ],
    swiftLanguageModes: [.v6]
)
