import Foundation
import Testing
@testable import Weights

@Suite struct KohyaNamesTests {
    struct Table: Decodable {
        let layers_per_block: Int
        let names: [[String]]
    }

    @Test func namesOfThreeUNets() throws {
        let tables = try JSONDecoder().decode([Table].self, from: Data(contentsOf: URL(fileURLWithPath: golden("kohya_names.json"))))
        #expect(tables.count == 3)
        for table in tables {
            for row in table.names {
                #expect(KohyaNaming.diffusers.name(of: row[0]) == row[1])
                #expect(KohyaNaming.original(layersPerBlock: table.layers_per_block).name(of: row[0]) == row[2])
            }
        }
        func preferred(_ table: Table) -> String? {
            let modules = table.names.map { $0[0] }
            return KohyaNaming.preferred(for: modules, layersPerBlock: table.layers_per_block).name(of: modules[0])
        }
        #expect(preferred(tables[0])?.contains("input_blocks") == true)
        #expect(preferred(tables[1])?.contains("input_blocks") == true)
        #expect(preferred(tables[2])?.contains("down_blocks") == true, "block numbers of two digits")
        #expect(KohyaNaming.preferred(for: ["down_blocks.1.attentions.0.to_q"], layersPerBlock: nil).name(of: "a.b") == "lora_unet_a_b")
    }

    @Test func whatHasNoOriginalName() {
        for path in ["conv_in", "time_embedding.linear_1", "down_blocks.0.downsamplers.0.conv", "mid_block.attentions.1.proj_in", "a.b.c.d.e"] {
            #expect(KohyaNaming.original(layersPerBlock: 2).name(of: path) == nil)
        }
        for module in ["lora_te1_x", "text_encoder_2.x", "text_encoders.clip_l.x"] { #expect(LoRAKey.isOfTextEncoder(module)) }
        #expect(KohyaNaming.original(layersPerBlock: 2).name(of: "mid_block.resnets.1.conv1") == "lora_unet_middle_block_2_conv1")
        #expect(KohyaNaming.original(layersPerBlock: 2).name(of: "up_blocks.1.resnets.2.conv1") == "lora_unet_output_blocks_5_0_conv1")
    }
}
