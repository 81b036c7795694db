import CPUDevice
import Foundation
import Images
import ModelGoldens
import Tensors
import TestFolders
import Testing
import Weights

@testable import Vision

/// U²-Net against onnxruntime, which ran the published graph with narrow random weights.
@Suite(.serialized) struct U2NetTests {
    private let folder = Golden.folder.appendingPathComponent("vision").path

    init() { CPUDevice.install() }

    @Test(arguments: [0, 1]) func agreesWithOnnxruntime(_ n: Int) throws {
        let golden = try SafetensorsFile(folder + "/u2net.safetensors"), net = try U2Net(directory: folder + "/u2net")
        let y = net(try golden.tensor("input.\(n)").channelsLast()), expected = try golden.tensor("output.\(n)").channelsLast()
        #expect(y.shape == expected.shape)
        let largest = zip(y.values, expected.values).map { abs($0 - $1) }.max() ?? .infinity
        #expect(largest < 2e-6, "\(largest)")
    }

    @Test func missingAndSurplusTensorsAreNamed() throws {
        let file = try SafetensorsFile(folder + "/u2net/model.safetensors"), spoilt = try TemporaryFolder()
        try FileManager.default.copyItem(atPath: folder + "/u2net/config.json", toPath: spoilt.file("config.json"))
        var writer = SafetensorsWriter()
        for entry in file.entries where entry.name != "stage3d.rebnconv2d.conv_s1.bias" { writer.add(entry.name, try file.tensor(entry.name)) }
        writer.add("stage7.weight", Tensor([1], shape: [1]))
        try writer.write(to: spoilt.file("model.safetensors"))
        let fault = #expect(throws: WeightFaults.self) { try U2Net(directory: spoilt.path) }
        let text = fault?.description ?? ""
        #expect(text.contains("stage3d.rebnconv2d.conv_s1.bias") && text.contains("stage7.weight"), "\(text)")
    }

    /// Shapes are the file's own: what is no kernel is told of, not indexed or multiplied.
    @Test(arguments: [[], [1 << 60, 0, 3, 3], [0, 3, 3, 3]]) func aShapeThatIsNone(_ shape: [Int]) throws {
        let file = try SafetensorsFile(folder + "/u2net/model.safetensors"), spoilt = try TemporaryFolder()
        try FileManager.default.copyItem(atPath: folder + "/u2net/config.json", toPath: spoilt.file("config.json"))
        let key = "stage1.rebnconvin.conv_s1.weight"
        var writer = SafetensorsWriter()
        for entry in file.entries where entry.name != key { writer.add(entry.name, try file.tensor(entry.name)) }
        writer.add(key, shape: shape, shape.isEmpty ? [1] : [])
        try writer.write(to: spoilt.file("model.safetensors"))
        let fault = #expect(throws: WeightFaults.self) { try U2Net(directory: spoilt.path) }
        #expect(fault?.misshapen.contains { $0.key == key && $0.found == shape } == true, "\(fault?.description ?? "")")
    }

    @Test(arguments: [1, 2, 3, 5]) func dilation(_ dilation: Int) {
        let (n, h, w, c, o) = (2, 7, 11, 3, 4)
        var stream = RandomStream(seed: 3, purpose: .weights, step: dilation)
        let x = Tensor(stream.normals(n * h * w * c), shape: [n, h, w, c]), weight = Tensor(stream.normals(o * c * 9), shape: [o, c, 3, 3])
        let bias = Tensor(stream.normals(o), shape: [o])
        let y = x.convolution(ConvolutionKernel(shape: weight.shape) { weight }, bias: bias, dilation: dilation)
        var expected = [Float](repeating: 0, count: n * h * w * o)
        for i in expected.indices {
            let (out, column, row, image) = (i % o, i / o % w, i / (o * w) % h, i / (o * w * h))
            var sum = Double(bias.values[out])
            for u in 0..<3 {
                for v in 0..<3 {
                    let (r, s) = (row + dilation * (u - 1), column + dilation * (v - 1))
                    guard (0..<h).contains(r), (0..<w).contains(s) else { continue }
                    for k in 0..<c {
                        sum += Double((x.floats + ((image * h + r) * w + s) * c)[k]) * Double((weight.floats + ((out * c + k) * 3 + u) * 3)[v])
                    }
                }
            }
            expected[i] = Float(sum)
        }
        #expect(relativeError(y.values, expected) < 1e-6)
    }

    @Test func saliencyHasThePhotosSize() throws {
        let net = try U2Net(directory: folder + "/u2net")
        var stream = RandomStream(seed: 1, purpose: .drawing)
        let photo = RGBImage(width: 61, height: 40, bytes: (0..<61 * 40 * 3).map { _ in UInt8(truncatingIfNeeded: stream.next32()) })
        let map = net.saliency(of: photo)
        #expect(map.width == 61 && map.height == 40 && map.values.allSatisfy { (0...1).contains($0) })
        #expect(Set(map.values).count > 100)
        // A photo without any light must not divide by zero.
        let dark = net.saliency(of: RGBImage(width: 61, height: 40, filledWith: 0))
        #expect(dark.values.allSatisfy { $0.isFinite })
    }
}
