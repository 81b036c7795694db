/// softmax(q·kᵀ/√d)·v for each head, without a score matrix in memory (Dao et al., FlashAttention, 2022).
///
/// `q` is `[N, Q, heads·d]`, `k` and `v` are `[N, K, heads·d]`. Kept for the backward pass: q, k, v, the result and
/// the logarithm of each row's softmax denominator. `causal`: row i sees keys 0…i (forward only).
public func scaledDotProductAttention(_ q: Tensor, _ k: Tensor, _ v: Tensor, heads: Int, causal: Bool = false) -> Tensor {
    precondition(q.shape.count == 3 && k.shape.count == 3 && k.shape == v.shape && q.shape[0] == k.shape[0]
        && q.shape[2] == k.shape[2] && q.shape[2].isMultiple(of: heads) && q.type == k.type && k.type == v.type,
        "attention: q \(q.shape), k \(k.shape), v \(v.shape), \(heads) heads")
    let size = q.shape[2] / heads
    let shape = AttentionShape(
        batch: q.shape[0], heads: heads, headSize: size, queries: q.shape[1], keys: k.shape[1],
        scale: 1 / Float(size).squareRoot(), causal: causal)
    let tracked = q.isTracked || k.isTracked || v.isTracked
    precondition(!(causal && tracked), "attention: the causal form has no pullback")

    let o = q.result(q.shape)
    let lse = Tensor(uninitialized: [shape.batch, heads, shape.queries])
    o.device.attention(o, lse, q, k, v, shape)
    return o.recorded(from: [q, k, v]) { [q = q.detached, k = k.detached, v = v.detached, o, lse] dO in
        let dq = q.result(q.shape), dk = k.result(k.shape), dv = v.result(v.shape)
        dq.device.attentionBackward(dq, dk, dv, dO, o, lse, q, k, v, shape)
        return [dq, dk, dv]
    }
}
