/// What is added to the scores of self-attention over a grid of tokens.
public enum PositionBias {
    /// Decomposed relative positions (Li et al., MViTv2, 2022): for query i and key j,
    ///
    ///     q_i·rows[y_i − y_j] + q_i·columns[x_i − x_j]
    ///
    /// The tables are `[2·height − 1, d]` and `[2·width − 1, d]` and begin with the largest offset.
    case relative(rows: Tensor, columns: Tensor)
    /// One number per head, key and query, `[heads, tokens, tokens]`.
    case table(Tensor)
}

/// qkv is [batch, tokens, 3·heads·headSize]: all queries, all keys, all values of a token; o is [batch, tokens, heads·headSize].
public struct SelfAttentionShape: Sendable {
    public let batch, tokens, heads, headSize: Int
    public let scale: Float
    /// The grid of decomposed relative positions; nil where the bias is a table or there is none.
    public let grid: (height: Int, width: Int)?
}

extension Tensor {
    /// softmax(q·kᵀ/√d + bias)·v for each head of `[N, S, 3·heads·d]`, the queries, keys and values of one projection,
    /// to `[N, S, heads·d]`, float32 or bfloat16; the bias is float32. Neither scores nor biases of all pairs of tokens are ever in memory. Forward only.
    public func selfAttention(heads: Int, bias: PositionBias? = nil) -> Tensor {
        precondition(!isTracked, "selfAttention has no pullback")
        precondition(shape.count == 3 && shape[2].isMultiple(of: 3 * heads), "selfAttention: \(shape), \(heads) heads")
        let (n, tokens) = (shape[0], shape[1]), size = shape[2] / 3 / heads
        let o = result([n, tokens, heads * size])
        func geometry(_ grid: (height: Int, width: Int)?) -> SelfAttentionShape {
            SelfAttentionShape(batch: n, tokens: tokens, heads: heads, headSize: size, scale: 1 / Float(size).squareRoot(), grid: grid)
        }
        switch bias {
        case nil:
            device.selfAttention(o, self, bias: nil, geometry(nil))
        case .table(let table):
            precondition(table.shape == [heads, tokens, tokens], "selfAttention: \(shape) with a table \(table.shape)")
            device.selfAttention(o, self, bias: table, geometry(nil))
        case .relative(let rows, let columns):
            let height = (rows.shape[0] + 1) / 2, width = (columns.shape[0] + 1) / 2
            precondition(
                height * width == tokens && rows.shape == [2 * height - 1, size] && columns.shape == [2 * width - 1, size],
                "selfAttention: \(shape) with \(rows.shape) and \(columns.shape)")
            let terms = Tensor(uninitialized: [n * heads, height + width, tokens]), shape = geometry((height, width))
            device.relativeTerms(terms, self, rowTable: rows, columnTable: columns, shape)
            device.selfAttention(o, self, bias: terms, shape)
        }
        return o
    }
}
