import Foundation
import Images
import ModelGoldens
import Testing

@testable import Vision

/// Detect-and-Compare against NumPy.
@Suite struct DetectAndCompareTests {
    struct Case: Decodable {
        let references: [[[Float]]], boxes: [[Float]]
        let similarity, ideal: [[Double]]
        let matched: [Int]?, score: Double, optimal: Bool?
    }

    static let cases = try! JSONDecoder().decode(
        [Case].self, from: Data(contentsOf: Golden.vision.appendingPathComponent("detect-and-compare.json")))

    private func names(_ count: Int) -> [String] { (0..<count).map { "subject \($0)" } }

    private func difference(_ a: [[Double]], _ b: [[Double]]) -> Double {
        guard a.map(\.count) == b.map(\.count) else { return .infinity }
        return zip(a.joined(), b.joined()).reduce(0) { max($0, abs($1.0 - $1.1)) }
    }

    @Test func equalsNumPy() throws {
        #expect(Set(Self.cases.filter { $0.matched != nil }.map(\.references.count)) == [2, 3, 5])
        for (i, one) in Self.cases.enumerated() {
            let comparer = DetectAndCompare(subjects: names(one.references.count), references: one.references)
            let result = comparer.compare(one.boxes)
            #expect(difference(comparer.ideal, one.ideal) < 1e-12 && difference(result.similarity, one.similarity) < 1e-12, "case \(i)")
            #expect(result.boxOfSubject == one.matched, "case \(i)")
            #expect(abs(result.score - one.score) < 1e-12, "case \(i): \(result.score), not \(one.score)")
        }
        // Where the greedy matching is not the best one, it is still the one that counts.
        #expect(Self.cases.contains { $0.optimal == false } && Self.cases.contains { $0.optimal == true })
    }

    @Test func spectralNorms() {
        #expect(spectralNorm([]) == 0 && spectralNorm([[-3]]) == 3)
        #expect(abs(spectralNorm([[3, 0], [4, 5]]) - 45.0.squareRoot()) < 1e-14)
        #expect(abs(spectralNorm([[1, 1, 1], [1, 1, 1], [1, 1, 1]]) - 3) < 1e-14)
        #expect(spectralNorm([[0, 0], [0, 0]]) == 0)
        #expect(abs(spectralNorm([[1e-9, 0, 0], [0, 2, 0], [0, 0, -2]]) - 2) < 1e-15)
    }

    /// Subjects along the axes, so that a box's largest entry is the subject it looks like.
    private func finding(_ boxes: [[Float]]) -> Comparison {
        let axes: [[Float]] = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
        return DetectAndCompare(subjects: ["robot", "dog", "cat"], references: axes.map { [$0] }).compare(boxes)
    }

    @Test func perfectPicturesScoreOne() {
        let result = finding([[0, 0, 7], [2, 0, 0], [0, 3, 0]])
        #expect(result.finding == .apart && result.boxOfSubject == [1, 2, 0] && abs(result.score - 1) < 1e-15)
    }

    @Test func whatIsWrongIsSaid() {
        let missing = finding([[1, 0, 0.1], [0.2, 0, 1]])
        #expect(missing.score == 0 && missing.boxOfSubject == nil && missing.finding.word == "missing")
        #expect(missing.finding.description == "2 objects were found for 3 subjects: “dog” is missing")
        let none = finding([])
        #expect(none.score == 0 && none.similarity.isEmpty && none.finding.description == "0 objects were found for 3 subjects: “robot”, “dog”, “cat” are missing")
        let surplus = finding([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.1, 1, 0]])
        #expect(surplus.score == 0 && surplus.finding.word == "too_many")
        #expect(surplus.finding.description == "4 objects were found for 3 subjects: too many, of “dog” more than one")
        let mixed = finding([[1, 0.2, 0], [0, 1, 0], [0.9, 0.3, 0.2]])
        #expect(mixed.finding == .mixed(repeated: ["robot"], absent: ["cat"]) && mixed.score < 1 && mixed.boxOfSubject?.count == 3)
        #expect(mixed.finding.description == "subjects are mixed: several objects look most like “robot”, none like “cat”")
    }

    @Test func boxesArePaddedToASquareWithWhite() {
        var photo = RGBImage(width: 6, height: 5, filledWith: 0)
        for i in photo.bytes.indices { photo.bytes[i] = UInt8(i) }
        let square = photo.whiteSquare(of: DetectionBox(x0: 1, y0: 1.6, x1: 5.9, y1: 4.2))
        #expect(square.width == 5 && square.height == 5)
        let row = { (y: Int) in Array(square.bytes[y * 15..<(y + 1) * 15]) }, white = [UInt8](repeating: 255, count: 15)
        #expect(row(0) == white && row(3) == white && row(4) == white)
        #expect(row(1) == (0..<15).map { UInt8(2 * 18 + 3 + $0) } && row(2) == (0..<15).map { UInt8(3 * 18 + 3 + $0) })
    }
}
