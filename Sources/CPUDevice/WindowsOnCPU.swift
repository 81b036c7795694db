import Foundation
import Tensors

extension CPUDevice {
    public func gatherWindows(_ y: Tensor, _ x: Tensor, fill: Tensor, size: Int) {
        let (py, px, fill) = (y.storage.pointer, x.storage.pointer, fill.storage.pointer), grid = WindowGrid(x.shape, size: size)
        let c = grid.channels, bytes = c * x.type.byteCount
        threads.ranges(y.shape[0], least: max(1, (1 << 15) / max(1, size * size * c))) { windows in
            for window in windows {
                let place = grid.place(window)
                for row in 0..<size {
                    let to = py + (window * size + row) * size * bytes
                    let inside = place.top + row < grid.height ? min(size, grid.width - place.left) : 0
                    if inside > 0 { memcpy(to, px + grid.offset(place, row) * x.type.byteCount, inside * bytes) }
                    for column in inside..<size { memcpy(to + column * bytes, fill, bytes) }
                }
            }
        }
    }

    public func scatterWindows(_ y: Tensor, _ x: Tensor, size: Int) {
        let (py, px) = (y.storage.pointer, x.storage.pointer), grid = WindowGrid(y.shape, size: size)
        let c = grid.channels, bytes = c * x.type.byteCount
        threads.ranges(x.shape[0], least: max(1, (1 << 15) / max(1, size * size * c))) { windows in
            for window in windows {
                let place = grid.place(window)
                for row in 0..<min(size, grid.height - place.top) {
                    memcpy(
                        py + grid.offset(place, row) * x.type.byteCount, px + (window * size + row) * size * bytes,
                        min(size, grid.width - place.left) * bytes)
                }
            }
        }
    }

    public func spreadPixels(_ y: Tensor, _ x: Tensor) {
        let (py, px, s) = (y.floats, x.floats, x.shape), line = 2 * s[5]
        threads.ranges(s[0] * s[1], least: max(1, (1 << 15) / max(1, 4 * s[2] * s[5]))) { rows in
            for row in rows {
                for column in 0..<s[2] {
                    let from = px + (row * s[2] + column) * 2 * line
                    for u in 0..<2 { memcpy(py + ((2 * row + u) * s[2] + column) * line, from + u * line, line * 4) }
                }
            }
        }
    }
}

/// Where the windows of an image batch lie.
private struct WindowGrid {
    let height, width, channels, size, down, across: Int

    init(_ shape: [Int], size: Int) {
        (height, width, channels, self.size) = (shape[1], shape[2], shape[3], size)
        (down, across) = ((height + size - 1) / size, (width + size - 1) / size)
    }

    func place(_ window: Int) -> (image: Int, top: Int, left: Int) {
        (window / (down * across), window / across % down * size, window % across * size)
    }

    /// The first element of a window's row in the batch.
    func offset(_ place: (image: Int, top: Int, left: Int), _ row: Int) -> Int {
        ((place.image * height + place.top + row) * width + place.left) * channels
    }
}
