import Tensors

/// A photo as SAM's encoder sees it, made once for any number of prompts.
public struct ImageEmbedding {
    /// `[1, grid, grid, width]`
    public let features: Tensor
    /// The photo's size, upright, in pixels.
    public let width, height: Int
    /// Its size in the encoder's square, whose rest is empty.
    let resizedWidth, resizedHeight, side: Int

    /// From pixels of the photo to pixels of the square.
    var scale: (x: Double, y: Double) { (Double(resizedWidth) / Double(width), Double(resizedHeight) / Double(height)) }
}
