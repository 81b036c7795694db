import Foundation
import Tensors

/// The photos of the demonstration's job: two subjects and their priors.
enum DemoPhotos {
    static let robotPhrase = "sks toy robot", dogPhrase = "olis spotted dog"
    static let robotClass = "toy robot", dogClass = "dog"

    /// What is to be learned: the same robot and the same dog, five times each.
    static var subjects: [DemoPhoto] {
        func robot(_ name: String, _ scene: Scene, _ width: Int, _ height: Int, _ robot: ToyRobot) -> DemoPhoto {
            DemoPhoto(name: name, subject: "a", phrase: robotPhrase, figure: .robot(robot), scene: scene, width: width, height: height)
        }
        func dog(_ name: String, _ scene: Scene, _ width: Int, _ height: Int, _ dog: SpottedDog) -> DemoPhoto {
            DemoPhoto(name: name, subject: "b", phrase: dogPhrase, figure: .dog(dog), scene: scene, width: width, height: height)
        }
        var photos = [
            robot("a00", .table, 480, 600, ToyRobot()),
            robot("a01", .meadow, 640, 480, ToyRobot(leftArm: 0.3, rightArm: 2.3, gaze: 0.6)),
            robot("a02", .studio, 512, 512, ToyRobot(leftArm: 1.1, rightArm: 1.1)),
            robot("a03", .room, 450, 640, ToyRobot(leftArm: 0.1, rightArm: 0.6, gaze: -0.7)),
            robot("a04", .lights, 600, 450, ToyRobot(leftArm: 2.6, rightArm: 2.6)),
            dog("b00", .meadow, 600, 480, SpottedDog()),
            dog("b01", .room, 640, 480, SpottedDog(pose: .standing, tail: 0.9)),
            dog("b02", .beach, 480, 640, SpottedDog(tilt: 0.22, tail: 0.9)),
            dog("b03", .studio, 560, 480, SpottedDog(pose: .standing, tilt: -0.1, tail: 0.3, showsTongue: false)),
            dog("b04", .table, 500, 500, SpottedDog(tilt: -0.25, showsTongue: false)),
        ]
        photos[1].x = 0.36
        photos[1].scale = 0.25
        photos[2].lean = 0.12
        photos[3].isStoredSideways = true
        photos[3].scale = 0.24
        photos[4].x = 0.6
        photos[5].scale = 0.33
        photos[5].x = 0.58
        photos[6].scale = 0.3
        photos[7].scale = 0.26
        photos[8].isMirrored = true
        photos[8].scale = 0.34
        photos[9].scale = 0.32
        return photos
    }

    /// The classes in general: toys and dogs of other colours, six each.
    static func priors(seed: UInt64) -> [DemoPhoto] {
        let toys = [(0x3F_7F_D1, 0xF2_A4_3A), (0x54_9E_58, 0xE9_DE_C4), (0xE8_B0_2E, 0x6B_52_9E), (0x9A_9F_A8, 0xC9_4A_44), (0xC8_6B_A5, 0x4B_A7_A0), (0x4A_55_68, 0xE0_7A_3F)]
        let dogs = [(0xC5_8A_4B, 0x7B_4C_22), (0x3A_36_34, 0x22_20_20), (0xEA_DD_C5, 0xC2_A0_72), (0x8C_8F_94, 0x55_58_5E), (0xA4_5B_2D, 0x6E_38_18), (0xD9_B7_7C, 0x4A_33_22)]
        var photos: [DemoPhoto] = []
        for i in toys.indices {
            var random = RandomStream(seed: seed, purpose: .drawing, step: 1, index: i)
            let (main, second) = (Colour(toys[i].0), Colour(toys[i].1))
            let robot = ToyRobot(
                body: .solid(main), head: i.isMultiple(of: 2) ? main : second, limbs: Colour(0x70_76_80), feet: second, lamp: Colour(0xFF_F0_B8),
                hasAntenna: i % 3 != 1, leftArm: random.uniform(0, 1.4), rightArm: random.uniform(0, 1.4))
            photos.append(DemoPhoto(
                name: "a0\(i)", subject: "a", phrase: robotClass, figure: .robot(robot), scene: Scene.allCases[(i + 2) % 6],
                width: 384, height: i.isMultiple(of: 2) ? 384 : 448, x: random.uniform(0.4, 0.6), scale: random.uniform(0.24, 0.3)))
        }
        for i in dogs.indices {
            var random = RandomStream(seed: seed, purpose: .drawing, step: 2, index: i)
            let dog = SpottedDog(
                pose: i.isMultiple(of: 2) ? .standing : .sitting, coat: Colour(dogs[i].0), spot: Colour(dogs[i].1),
                collar: Colour(0xB0_3A_3A), isSpotted: false, tilt: random.uniform(-0.2, 0.2), tail: random.uniform(0.1, 1), showsTongue: random.coin())
            photos.append(DemoPhoto(
                name: "b0\(i)", subject: "b", phrase: dogClass, figure: .dog(dog), scene: Scene.allCases[(i * 5 + 1) % 6],
                width: i.isMultiple(of: 2) ? 448 : 384, height: 384, scale: random.uniform(0.28, 0.33), isMirrored: random.coin()))
        }
        return photos
    }
}
