import CKernels
import Tensors

extension CPUDevice {
    public func relativeTerms(_ terms: Tensor, _ qkv: Tensor, rowTable: Tensor, columnTable: Tensor, _ s: SelfAttentionShape) {
        guard let grid = s.grid else { preconditionFailure("relativeTerms without a grid") }
        let (terms, qkv, rows, columns) = (terms.floats, qkv.floats, rowTable.floats, columnTable.floats)
        let width = s.heads * s.headSize, each = (grid.height + grid.width) * s.tokens
        threads.run(s.batch * s.heads, scratch: ck_relative_terms_scratch(s.headSize)) { head, scratch in
            let q = qkv + head / s.heads * s.tokens * 3 * width + head % s.heads * s.headSize, into = terms + head * each
            ck_relative_terms(
                into, into + grid.height * s.tokens, q, rows, columns, grid.height, grid.width, s.headSize, 3 * width, scratch)
        }
    }

    public func selfAttention(_ o: Tensor, _ qkv: Tensor, bias: Tensor?, _ s: SelfAttentionShape) {
        let all = s.batch * s.heads, width = s.heads * s.headSize, tokens = s.tokens
        let denominators = Tensor(uninitialized: [all, tokens])
        let (o, qkv, bias, lse) = (o.floats, qkv.floats, bias?.floats, denominators.floats)
        // As for attention: heads are split by queries until every thread has a few pieces of work.
        let pieces = max(1, min((tokens + 127) / 128, (4 * threads.count + all - 1) / all))
        threads.run(all * pieces, scratch: ck_attention_scratch(tokens, s.headSize)) { task, scratch in
            let head = task / pieces, piece = task % pieces, image = head / s.heads, column = head % s.heads * s.headSize
            let q = qkv + image * tokens * 3 * width + column, into = o + image * tokens * width + column
            let first = tokens * piece / pieces, last = tokens * (piece + 1) / pieces
            guard let bias else {
                ck_attention(
                    into, lse + head * tokens, q, q + width, q + 2 * width, first, last, tokens, s.headSize, 3 * width, 3 * width,
                    3 * width, width, s.scale, 0, scratch)
                return
            }
            var added: ck_attention_bias
            if let grid = s.grid {
                let terms = bias + head * (grid.height + grid.width) * tokens
                added = ck_attention_bias(rows: terms, columns: terms + grid.height * tokens, width: grid.width, pitch: tokens)
            } else {
                added = ck_attention_bias(rows: bias + head % s.heads * tokens * tokens, columns: nil, width: 1, pitch: tokens)
            }
            ck_attention_biased(
                into, lse + head * tokens, q, q + width, q + 2 * width, &added, first, last, tokens, s.headSize, 3 * width,
                3 * width, 3 * width, width, s.scale, scratch)
        }
    }
}
