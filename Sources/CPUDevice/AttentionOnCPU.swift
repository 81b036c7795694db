import CKernels
import Tensors

extension CPUDevice {
    public func attention(_ o: Tensor, _ lse: Tensor, _ q: Tensor, _ k: Tensor, _ v: Tensor, _ s: AttentionShape) {
        if q.type == .bfloat16 {
            let wide = Tensor(uninitialized: o.shape)
            attention(wide, lse, q.widened(), k.widened(), v.widened(), s)
            convert(o, wide, by: 1)
            return
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
            let wide = [dq, dk, dv].map { Tensor(uninitialized: $0.shape) }
            attentionBackward(wide[0], wide[1], wide[2], dO.widened(), o.widened(), lse, q.widened(), k.widened(), v.widened(), s)
            for (narrow, wide) in zip([dq, dk, dv], wide) { convert(narrow, wide, by: 1) }
            return
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
