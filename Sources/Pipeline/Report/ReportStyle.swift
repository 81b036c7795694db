/// How `report.html` looks: one column that a phone and a desktop can show, light and dark.
enum ReportStyle {
    static let css: HTML = """
        :root{color-scheme:light dark;--ink:#1b1d21;--soft:#5c6370;--line:#d9dce1;--paper:#fff;--card:#f5f6f8;--accent:#2563c9;--warn:#fff4d6}
        @media (prefers-color-scheme:dark){:root{--ink:#e7e9ec;--soft:#a3aab5;--line:#3a3f47;--paper:#16181b;--card:#202328;--accent:#7fb0ff;--warn:#3d3315}}
        *{box-sizing:border-box}
        body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
        main{max-width:60rem;margin:0 auto;padding:1rem}
        h1{font-size:1.6rem;line-height:1.2;margin:.6rem 0;overflow-wrap:anywhere}
        h2{font-size:1.2rem;margin:2rem 0 .6rem;border-bottom:1px solid var(--line);padding-bottom:.2rem}
        p{margin:.5rem 0;overflow-wrap:anywhere}
        .soft{color:var(--soft)}
        dl{display:grid;grid-template-columns:minmax(7rem,max-content) 1fr;gap:.25rem 1rem;margin:.6rem 0}
        dt{color:var(--soft)}
        dd{margin:0;overflow-wrap:anywhere}
        img,svg{max-width:100%;height:auto;display:block}
        .sheet{background:#fff;border:1px solid var(--line);border-radius:6px}
        @media (max-width:40rem){.sheet{max-width:none;width:52rem}svg text{font-size:20px!important}}
        .pictures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,10rem),1fr));gap:.8rem}
        figure{margin:0}
        figure img{width:100%;border-radius:4px;background:var(--card)}
        figcaption{font-size:.85rem;color:var(--soft);overflow-wrap:anywhere}
        pre{background:var(--card);padding:.8rem;border-radius:6px;font:.85rem/1.45 ui-monospace,"DejaVu Sans Mono",monospace;white-space:pre-wrap;overflow-wrap:anywhere}
        code{font-family:ui-monospace,"DejaVu Sans Mono",monospace;font-size:.9em;overflow-wrap:anywhere}
        .warn{background:var(--warn);border-radius:6px;padding:.2rem .8rem}
        .wide{overflow-x:auto}
        table{border-collapse:collapse;font-size:.9rem}
        .wide table{min-width:36rem}
        th,td{text-align:left;padding:.25rem .8rem .25rem 0;border-bottom:1px solid var(--line);vertical-align:top}
        tr.best td{background:var(--card);font-weight:600}
        svg text{fill:var(--soft);font-size:12px}
        svg .grid{stroke:var(--line)}
        svg .raw{fill:none;stroke:var(--accent);stroke-opacity:.28}
        svg .mean{fill:none;stroke:var(--accent);stroke-width:2.2}
        """
}
