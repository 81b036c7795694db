import CKernels
import Tensors

extension CPUDevice {
    public func relativeTerms(_ terms: Tensor, _ qkv: Tensor, rowTable: Tensor, columnTable: Tensor, _ s: SelfAttentionShape) {
        guard let grid = s.grid else { preconditionFailure("relativeTerms without a grid") }
        let (terms, rows, columns) = (terms.floats, rowTable.floats, columnTable.floats)
        let width = s.heads * s.headSize, each = (grid.height + grid.width) * s.tokens, own = ck_relative_terms_scratch(s.headSize)
        // The products of bfloat16 queries are those of the same numbers in float32.
        let isFloat = qkv.type == .float32
        threads.run(s.batch * s.heads, scratch: own + (isFloat ? 0 : s.tokens * s.headSize)) { head, scratch in
            let first = head / s.heads * s.tokens * 3 * width + head % s.heads * s.headSize, into = terms + head * each
            if !isFloat {
                for token in 0..<s.tokens { widen(scratch + own + token * s.headSize, qkv, from: first + token * 3 * width, count: s.headSize) }
            }
            ck_relative_terms(
                into, into + grid.height * s.tokens, isFloat ? qkv.floats + first : scratch + own, rows, columns, grid.height, grid.width,
                s.headSize, isFloat ? 3 * width : s.headSize, scratch)
        }
    }

    public func selfAttention(_ o: Tensor, _ qkv: Tensor, bias: Tensor?, _ s: SelfAttentionShape) {
        if qkv.type == .bfloat16 && !multipliesBFloat16 { return rounding([o]) { selfAttention($0[0], wide(qkv), bias: bias, s) } }
        let all = s.batch * s.heads, width = s.heads * s.headSize, tokens = s.tokens
        let denominators = Tensor(uninitialized: [all, tokens])
        let (bias, lse) = (bias?.floats, denominators.floats), isFloat = qkv.type == .float32
        precondition(o.type == qkv.type, "selfAttention: \(qkv.type) to \(o.type)")
        // As for attention: heads are split by queries until every thread has a few pieces of work.
        let pieces = max(1, min((tokens + 127) / 128, (4 * threads.count + all - 1) / all))
        let room = isFloat ? ck_attention_scratch(tokens, s.headSize) : ck_bf16_attention_scratch(s.headSize)
        threads.run(all * pieces, scratch: room) { task, scratch in
            let head = task / pieces, piece = task % pieces, image = head / s.heads, column = head % s.heads * s.headSize
            let from = image * tokens * 3 * width + column, to = image * tokens * width + column
            let first = tokens * piece / pieces, last = tokens * (piece + 1) / pieces
            let added = bias.map { bias in
                if let grid = s.grid {
                    let terms = bias + head * (grid.height + grid.width) * tokens
                    return ck_attention_bias(rows: terms, columns: terms + grid.height * tokens, width: grid.width, pitch: tokens)
                }
                return ck_attention_bias(rows: bias + head % s.heads * tokens * tokens, columns: nil, width: 1, pitch: tokens)
            }
            withOptionalPointer(to: added) { added in
                guard isFloat else {
                    let q = qkv.bfloats + from
                    ck_bf16_attention(
                        o.bfloats + to, lse + head * tokens, q, q + width, q + 2 * width, first, last, tokens, s.headSize, 3 * width, 3 * width,
                        3 * width, width, s.scale, 0, added, scratch)
                    return
                }
                let q = qkv.floats + from
                guard let added else {
                    ck_attention(
                        o.floats + to, lse + head * tokens, q, q + width, q + 2 * width, first, last, tokens, s.headSize, 3 * width, 3 * width,
                        3 * width, width, s.scale, 0, scratch)
                    return
                }
                ck_attention_biased(
                    o.floats + to, lse + head * tokens, q, q + width, q + 2 * width, added, first, last, tokens, s.headSize, 3 * width,
                    3 * width, 3 * width, width, s.scale, scratch)
            }
        }
    }
}

/// Runs `body` with a pointer to the value, or with none.
private func withOptionalPointer<Value>(to value: Value?, _ body: (UnsafePointer<Value>?) -> Void) {
    guard let value else { return body(nil) }
    withUnsafePointer(to: value) { body($0) }
}
