import CKernels
import Tensors

extension CPUDevice {
    public func attention(_ o: Tensor, _ lse: Tensor, _ q: Tensor, _ k: Tensor, _ v: Tensor, _ s: AttentionShape) {
        if q.type == .bfloat16 {
            if multipliesBFloat16 { return attentionBFloat16(o, lse, q, k, v, s) }
            return rounding([o]) { attention($0[0], lse, wide(q), wide(k), wide(v), s) }
        }
        let (o, lse, q, k, v) = (o.floats, lse.floats, q.floats, k.floats, v.floats)
        let width = s.heads * s.headSize, all = s.batch * s.heads
        // Heads are split by queries until every thread has a few pieces of work.
        let pieces = max(1, min((s.queries + 127) / 128, (4 * threads.count + all - 1) / all))
        threads.run(all * pieces, scratch: ck_attention_scratch(s.keys, s.headSize)) { task, scratch in
            let head = task / pieces, piece = task % pieces
            let image = head / s.heads, column = head % s.heads * s.headSize
            let rows = s.queries * image * width + column, keys = s.keys * image * width + column
            ck_attention(
                o + rows, lse + head * s.queries, q + rows, k + keys, v + keys,
                s.queries * piece / pieces, s.queries * (piece + 1) / pieces, s.keys, s.headSize,
                width, width, width, width, s.scale, s.causal ? 1 : 0, scratch)
        }
    }

    public func attentionBackward(
        _ dq: Tensor, _ dk: Tensor, _ dv: Tensor, _ dO: Tensor, _ o: Tensor, _ lse: Tensor,
        _ q: Tensor, _ k: Tensor, _ v: Tensor, _ s: AttentionShape
    ) {
        if q.type == .bfloat16 {
            if multipliesBFloat16 { return attentionBackwardBFloat16(dq, dk, dv, dO, o, lse, q, k, v, s) }
            return rounding([dq, dk, dv]) { attentionBackward($0[0], $0[1], $0[2], wide(dO), wide(o), lse, wide(q), wide(k), wide(v), s) }
        }
        let (dq, dk, dv, dO, o, lse, q, k, v) = (
            dq.floats, dk.floats, dv.floats, dO.floats, o.floats, lse.floats, q.floats, k.floats, v.floats)
        let width = s.heads * s.headSize
        threads.run(s.batch * s.heads, scratch: ck_attention_backward_scratch(s.queries, s.keys, s.headSize)) { head, scratch in
            let image = head / s.heads, column = head % s.heads * s.headSize
            let r = s.queries * image * width + column, c = s.keys * image * width + column
            ck_attention_backward(
                dq + r, dk + c, dv + c, dO + r, o + r, lse + head * s.queries, q + r, k + c, v + c,
                s.queries, s.keys, s.headSize, width, width, width, width, s.scale, scratch)
        }
    }
}
