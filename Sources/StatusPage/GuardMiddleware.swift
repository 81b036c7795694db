import Files
import Hummingbird
import HTTPTypes

/// Who may ask for what: names in `Host` that are no address of this machine are refused (a page of the web could otherwise read
/// along, having its name point here); changes need the token; and no answer runs anything of others in the browser.
struct GuardMiddleware<Context: RequestContext>: RouterMiddleware {
    let token: String
    /// What is listened on.
    let host: String
    let ending: Ending
    /// Where the queue is looked up: hundreds of clients must not keep Swift's own threads, of which there are as many as cores, from the
    /// daemon's services.
    private let lookups = FileExecutor("segmixd.queries")

    /// Refusals are answers like any other: they bear the same headers, and to HEAD they have no body.
    func handle(_ request: Request, context: Context, next: (Request, Context) async throws -> Response) async throws -> Response {
        var response: Response
        do {
            response = try await admit(request, context, next)
        } catch let refusal as any HTTPResponseError {
            response = try refusal.response(from: request, context: context)
            if request.method == .head { response = response.createHeadResponse() }
        }
        response.headers[.xContentTypeOptions] = "nosniff"
        if response.headers[.contentSecurityPolicy] == nil {
            response.headers[.contentSecurityPolicy] =
                "default-src 'none'; connect-src 'self'; img-src 'self' data:; script-src 'self' 'unsafe-inline'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
        }
        response.headers[HTTPField.Name("Referrer-Policy")!] = "no-referrer"
        return response
    }

    private func admit(_ request: Request, _ context: Context, _ next: (Request, Context) async throws -> Response) async throws -> Response {
        guard Self.isOurName(request.head.authority ?? "", host: host) else {
            throw HTTPError(.misdirectedRequest, message: "This address is not served here; ask for the machine by its number, or set status_page to its name.")
        }
        if request.method != .get, request.method != .head {
            let given = request.headers[.authorization].flatMap { $0.lowercased().hasPrefix("bearer ") ? String($0.dropFirst(7)) : nil }
            guard let given, StatusToken.matches(given, token) else {
                throw HTTPError(.unauthorized, headers: [.wwwAuthenticate: "Bearer"], message: "Changes need the token: status_token of the configuration, or the file token in the state directory.")
            }
        }
        return try await withTaskExecutorPreference(lookups) {
            // Here, where it has been waited for.
            guard !ending.isUnderWay else { throw HTTPError(.serviceUnavailable, headers: [.connection: "close"]) }
            return try await next(request, context)
        }
    }

    private static var localDomains: [String] { [".local", ".lan", ".internal", ".home.arpa", ".localdomain"] }

    /// A number, `localhost`, this machine's own name, alone or in a local network's domain, or what the configuration calls it.
    static func isOurName(_ authority: String, host: String) -> Bool {
        var name = Substring(authority.lowercased())
        if name.hasPrefix("["), let end = name.firstIndex(of: "]") { return name[..<end].allSatisfy { $0.isHexDigit || "[:.%".contains($0) } }
        if let colon = name.lastIndex(of: ":") { name = name[..<colon] }
        if name.isEmpty || name == "localhost" || name == host.lowercased() || name == Machine.name { return true }
        // Domains of local networks, which nobody can have in the web.
        if Self.localDomains.contains(where: { name == Machine.name + $0 }) { return true }
        let pieces = name.split(separator: ".", omittingEmptySubsequences: false)
        return pieces.count == 4 && pieces.allSatisfy { UInt8($0) != nil }
    }
}
