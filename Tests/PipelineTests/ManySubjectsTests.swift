import Foundation
import Testing

/// Jobs of more than two subjects, from the folder to the report.
@Suite(.serialized) struct ManySubjectsTests {
    @Test(arguments: [3, 5]) func aJobRunsToItsReport(_ count: Int) throws {
        let place = try Workplace(steps: 3, more: "with_prior_preservation: false\nrelative_scale: {\((0..<count).map { "s\($0): 0.\(9 - $0)" }.joined(separator: ", "))}")
        var lines = ["{\"id\": {" + (0..<count).map { "\"s\($0)\": \"tok\($0) <b>&toy\"" }.joined(separator: ", ") + "}}"]
        for i in 0..<count {
            for j in 0..<2 {
                let source = i % 2 == 0 ? "a0\(j)" : "b0\(j)"
                try place.write(place.data("toys/\(source).png"), "toys/p\(i)\(j).png")
                try place.write(place.data("toys/mask_\(source).png"), "toys/m\(i)\(j).png")
                lines.append("{\"id\": \"s\(i)\", \"file_name\": \"p\(i)\(j).png\", \"mask_path\": \"m\(i)\(j).png\", \"text\": \"tok\(i)\"}")
            }
        }
        try place.write(lines.joined(separator: "\n") + "\n", "toys/metadata.jsonl")
        let prompt = "all of them together"
        let end = try place.starting("run", [
            "--set", "render.prompts=[\"\(prompt)\", \"tok1 <b>&toy alone\"]", "--set", "render.gamma=[0, 0.07]", "--set", "render.seeds=[3, 4]",
            "--set", "render.lora_scale=[0.5, 1]", "--set", "render.sampler=dpmpp_2m_karras",
        ]).end()
        try #require(end.status == 0, "\(end.errors)")
        let report = try #require(try JSONSerialization.jsonObject(with: place.data("out/report.json")) as? [String: Any])
        let pictures = try #require(report["pictures"] as? [[String: Any]])
        #expect(pictures.count == 16 && Set(pictures.map { $0["file"] as? String }).count == 16)
        #expect(pictures.allSatisfy { place.exists("out/" + ($0["file"] as! String)) })
        for picture in pictures {
            let gamma = picture["gamma"] as? Double, layout = picture["layout"] as? String
            #expect((layout == nil) == (gamma == 0) && layout.map { place.exists("out/" + $0) } ?? true)
            if let layout { #expect(layout.contains("-s1.png") == ((picture["prompt"] as? String) != prompt), "\(layout)") }
        }
        let all = String(decoding: try place.data("out/samples/layout-3.png"), as: UTF8.self)
        for i in 0..<count { #expect(all.contains("\"subject\":\"s\(i)\"")) }
        // The strength has its effect, and so has the shift.
        #expect(try Set((0..<8).map { try place.data("out/samples/final-0\($0).png") }).count == 8)
        #expect(place.exists("out/samples/contact-sheet.png") && report["contact_sheet"] as? String == "samples/contact-sheet.png")
        let page = try place.text("out/report.html")
        #expect(page.contains("tok0 &lt;b&gt;&amp;toy") && !page.contains("<b>"))
        #expect(!page.contains("src=\"http") && !page.contains("href=\"http") && page.contains("<svg") && page.contains("data:image/jpeg;base64,"))
        #expect(place.names("out/tensorboard") == ["events.out.tfevents.segmixd"])
    }
}
