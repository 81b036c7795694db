import CKernels
import Testing

/// Attention with every instruction set of this processor, against the plain-C twins. Tolerances are relative L2
/// errors: a few float32 roundings for a sum of the case's length.
@Suite(.serialized) struct AttentionKernelTests {
    struct AttentionCase: CustomStringConvertible, Sendable {
        var queries, keys, head: Int
        var causal = false
        var description: String { "\(queries)×\(keys), head size \(head)\(causal ? ", causal" : "")" }
    }

    static let attentionCases: [AttentionCase] = [
        .init(queries: 1, keys: 1, head: 1), .init(queries: 33, keys: 77, head: 5), .init(queries: 64, keys: 64, head: 16),
        .init(queries: 100, keys: 77, head: 20), .init(queries: 7, keys: 130, head: 24), .init(queries: 65, keys: 97, head: 40),
        .init(queries: 150, keys: 110, head: 64), .init(queries: 50, keys: 30, head: 80), .init(queries: 35, keys: 77, head: 160),
        .init(queries: 40, keys: 100, head: 256), .init(queries: 34, keys: 20, head: 512), .init(queries: 530, keys: 9, head: 8),
        // Several groups of queries over keys that stay packed.
        .init(queries: 420, keys: 205, head: 130), .init(queries: 300, keys: 300, head: 130, causal: true),
        .init(queries: 77, keys: 77, head: 20, causal: true), .init(queries: 130, keys: 130, head: 64, causal: true),
        .init(queries: 3, keys: 9, head: 6, causal: true), .init(queries: 120, keys: 40, head: 12, causal: true),
    ]

    @Test(arguments: attentionCases) func attention(_ c: AttentionCase) {
        // The head lies in wider rows, each tensor with a stride of its own.
        let qs = c.head + 3, ks = c.head, vs = 2 * c.head + 1, os = c.head + 16, scale = 1 / Float(c.head).squareRoot()
        let q = KernelBuffer(c.queries * qs, seed: 1, amplitude: 4), k = KernelBuffer(c.keys * ks, seed: 2, amplitude: 2)
        let v = KernelBuffer(c.keys * vs, seed: 3)
        let o0 = KernelBuffer(Array(repeating: 7, count: c.queries * os)), lse0 = KernelBuffer(c.queries)
        ck_attention_reference(
            o0.pointer, lse0.pointer, q.pointer, k.pointer, v.pointer, c.queries, c.keys, c.head, qs, ks, vs, os, scale, c.causal ? 1 : 0)
        withEveryInstructionSet { name in
            let o = KernelBuffer(Array(repeating: 7, count: c.queries * os)), lse = KernelBuffer(c.queries)
            let scratch = KernelBuffer(ck_attention_scratch(c.keys, c.head))
            for (begin, end) in [(0, c.queries / 3), (c.queries / 3, c.queries)] {
                ck_attention(
                    o.pointer, lse.pointer, q.pointer, k.pointer, v.pointer, begin, end, c.keys, c.head, qs, ks, vs, os, scale,
                    c.causal ? 1 : 0, scratch.pointer)
            }
            // The 7s between the heads count too: they must stay.
            #expect(relativeError(o, o0) < 1e-6, "\(name)")
            #expect(zip(lse.values, lse0.values).allSatisfy { abs($0 - $1) < 2e-6 + 4e-7 * abs($1) }, "\(name)")
            #expect(scratch.isFenced, "\(name)")
        }
    }

    /// More keys than stay packed: groups of queries together give what each gives alone, to the last bit.
    @Test func groupsOfQueries() {
        let (queries, keys, head) = (130, 1030, 512), group = 64
        let q = KernelBuffer(queries * head, seed: 1), k = KernelBuffer(keys * head, seed: 2), v = KernelBuffer(keys * head, seed: 3)
        withEveryInstructionSet { name in
            let scratch = KernelBuffer(ck_attention_scratch(keys, head))
            func run(_ bounds: [Int]) -> [[Float]] {
                let o = KernelBuffer(queries * head), lse = KernelBuffer(queries)
                for (begin, end) in zip(bounds, bounds.dropFirst()) {
                    ck_attention(
                        o.pointer, lse.pointer, q.pointer, k.pointer, v.pointer, begin, end, keys, head, head, head, head, head, 0.05, 0,
                        scratch.pointer)
                }
                return [o.values, lse.values]
            }
            let together = run([0, queries])
            #expect(together == run(Array(stride(from: 0, to: queries, by: group)) + [queries]), "\(name)")
            #expect(together[0].allSatisfy(\.isFinite) && scratch.isFenced, "\(name)")
        }
    }

    @Test(arguments: attentionCases.filter { !$0.causal }) func attentionBackward(_ c: AttentionCase) {
        let qs = c.head + 3, ks = c.head, vs = 2 * c.head + 1, os = c.head + 16, scale = 1 / Float(c.head).squareRoot()
        let q = KernelBuffer(c.queries * qs, seed: 1, amplitude: 4), k = KernelBuffer(c.keys * ks, seed: 2, amplitude: 2)
        let v = KernelBuffer(c.keys * vs, seed: 3), dO = KernelBuffer(c.queries * os, seed: 4)
        let o = KernelBuffer(Array(repeating: 7, count: c.queries * os)), lse = KernelBuffer(c.queries)
        ck_attention_reference(
            o.pointer, lse.pointer, q.pointer, k.pointer, v.pointer, c.queries, c.keys, c.head, qs, ks, vs, os, scale, 0)
        func gradients() -> [KernelBuffer] {
            [c.queries * qs, c.keys * ks, c.keys * vs].map { KernelBuffer(Array(repeating: 0, count: $0)) }
        }
        let g0 = gradients()
        ck_attention_backward_reference(
            g0[0].pointer, g0[1].pointer, g0[2].pointer, dO.pointer, q.pointer, k.pointer, v.pointer, c.queries, c.keys, c.head,
            qs, ks, vs, os, scale)
        withEveryInstructionSet { name in
            let g = gradients(), scratch = KernelBuffer(ck_attention_backward_scratch(c.queries, c.keys, c.head))
            ck_attention_backward(
                g[0].pointer, g[1].pointer, g[2].pointer, dO.pointer, o.pointer, lse.pointer, q.pointer, k.pointer, v.pointer,
                c.queries, c.keys, c.head, qs, ks, vs, os, scale, scratch.pointer)
            // With one key the softmax is constant: dq and dk are 0 but for rounding.
            if c.keys == 1 {
                #expect((g[0].values + g[1].values).allSatisfy { abs($0) < 1e-5 }, "\(name)")
            } else {
                #expect(relativeError(g[0], g0[0]) < 3e-6, "\(name): dq")
                #expect(relativeError(g[1], g0[1]) < 3e-6, "\(name): dk")
            }
            #expect(relativeError(g[2], g0[2]) < 3e-6, "\(name): dv")
            #expect(scratch.isFenced, "\(name)")
        }
    }

    /// One key takes everything, by a score of 1000, which leaves float32 few digits for the difference to its log-sum-exp.
    @Test(arguments: [40, 64, 160]) func saturatedRows(_ head: Int) {
        let queries = 256, keys = 77, scale = 1 / Float(head).squareRoot()
        let q = KernelBuffer(queries * head, seed: 1), k = KernelBuffer(keys * head, seed: 2), v = KernelBuffer(keys * head, seed: 3)
        let dO = KernelBuffer(queries * head, seed: 4)
        for i in 0..<queries { q.pointer[i * head] = 100 }
        for j in 0..<keys { k.pointer[j * head] = j == 0 ? 10 / scale : 0 }
        let g0 = (0..<3).map { KernelBuffer(($0 == 0 ? queries : keys) * head) }
        ck_attention_backward_reference(
            g0[0].pointer, g0[1].pointer, g0[2].pointer, dO.pointer, q.pointer, k.pointer, v.pointer, queries, keys, head, head, head, head, head, scale)
        withEveryInstructionSet { name in
            let o = KernelBuffer(queries * head), lse = KernelBuffer(queries), g = (0..<3).map { KernelBuffer(($0 == 0 ? queries : keys) * head) }
            ck_attention(
                o.pointer, lse.pointer, q.pointer, k.pointer, v.pointer, 0, queries, keys, head, head, head, head, head, scale, 0,
                KernelBuffer(ck_attention_scratch(keys, head)).pointer)
            ck_attention_backward(
                g[0].pointer, g[1].pointer, g[2].pointer, dO.pointer, o.pointer, lse.pointer, q.pointer, k.pointer, v.pointer,
                queries, keys, head, head, head, head, head, scale, KernelBuffer(ck_attention_backward_scratch(queries, keys, head)).pointer)
            #expect(relativeError(g[2], g0[2]) < 1e-6, "\(name): dv \(relativeError(g[2], g0[2]))")
        }
    }

    /// However a caller splits the queries over threads, every bit is the same.
    @Test func attentionDoesNotDependOnTheSplit() {
        let (n, head) = (150, 20), scale: Float = 0.25
        let q = KernelBuffer(n * head, seed: 1, amplitude: 3), k = KernelBuffer(n * head, seed: 2), v = KernelBuffer(n * head, seed: 3)
        withEveryInstructionSet { name in
            let results = [[0, n], [0, 1, 37, 101, n], [0, 75, n]].map { cuts in
                let o = KernelBuffer(n * head), lse = KernelBuffer(n), scratch = KernelBuffer(ck_attention_scratch(n, head))
                for (begin, end) in zip(cuts, cuts.dropFirst()) {
                    ck_attention(
                        o.pointer, lse.pointer, q.pointer, k.pointer, v.pointer, begin, end, n, head, head, head, head, head, scale, 0,
                        scratch.pointer)
                }
                return o.values + lse.values
            }
            #expect(results[1] == results[0] && results[2] == results[0], "\(name)")
        }
    }

    /// Scores far beyond exp's range, and a NaN that must not get lost.
    @Test func attentionExtremes() {
        withEveryInstructionSet { name in
            let q = KernelBuffer([1000, 0, -1000, .nan]), k = KernelBuffer([10, -10, 10.5]), v = KernelBuffer([1, 2, 3])
            let o = KernelBuffer(4), lse = KernelBuffer(4), scratch = KernelBuffer(ck_attention_scratch(3, 1))
            ck_attention(o.pointer, lse.pointer, q.pointer, k.pointer, v.pointer, 0, 4, 3, 1, 1, 1, 1, 1, 1, 0, scratch.pointer)
            #expect(o.pointer[0] == 3 && o.pointer[1] == 2 && o.pointer[2] == 2 && o.pointer[3].isNaN, "\(name): \(o.values)")
            #expect(abs(lse.pointer[0] / 1.44269504 - 10500) < 0.002 && abs(lse.pointer[2] / 1.44269504 - 10000) < 0.002, "\(name): \(lse.values)")
            #expect(lse.pointer[3].isNaN, "\(name)")
        }
    }
}
