import GranaryFormat
import GranaryModel
import GranaryPolicy
import GranaryPorts
import HTTPTypes
import NIOCore

extension RemoteRepository {
    func ask(_ question: UpstreamQuestion) async throws(Problem) -> [UpstreamQuestion.Answer] {
        let snapshot = services.snapshot.value
        let packages = question.packages.filter { package in
            upstream.covers(package.text) && snapshot.verdict(principal, .read, on: repository, package) == .allowed
        }
        guard !packages.isEmpty, !upstream.isOffline, moment == nil else { return [] }
        let url = upstream.url + question.address
        let origin = UpstreamFetch.origin(of: url)
        if let seconds = services.upstreams.pause(of: origin, now: services.now()) {
            throw .unavailable("the upstream of '\(repository.name)' does not answer", retryAfter: seconds)
        }
        let request = UpstreamRequest(
            .post, url, [.contentType: question.mediaType.text, .accept: question.mediaType.text],
            credential: try services.credential(of: upstream), allowsPrivateAddresses: upstream.allowsPrivateAddresses,
            body: question.body(packages))
        let answer = try await services.send(request, to: origin, for: repository)
        switch answer.status.code {
        case 200:
            let bytes: ByteBuffer
            do throws(Problem) {
                bytes = try await RequestBody(answer.body).collect(upTo: question.limit)
            } catch {
                // The client has done nothing wrong.
                throw .unavailable("the upstream of '\(repository.name)' gives no whole answer", retryAfter: 10)
            }
            let document = ReceivedDocument(bytes: bytes, mediaType: question.mediaType.essence, source: answer.url)
            return [UpstreamQuestion.Answer(document, about: packages)]
        case 404, 405, 410, 501: return []
        default:
            throw .unavailable(
                "the upstream of '\(repository.name)' answers \(answer.status.code)", retryAfter: 10)
        }
    }
}
