using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using FedIoT.Gateway.Admin;
using FedIoT.Gateway.Cli;

namespace FedIoT.Gateway.Operate;

/// <summary>Asks the daemon over its Unix socket.</summary>
internal sealed class AdminClient : IDisposable
{
    private const int AnswerBytesMax = 16 << 20;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    private readonly string socketPath;
    private readonly string start;
    private readonly HttpClient http;

    /// <summary>Prepares to ask; connects with the first question.</summary>
    /// <param name="socketPath">The daemon's admin socket.</param>
    /// <param name="start">The command that starts the daemon, for messages.</param>
    public AdminClient(string socketPath, string start)
    {
        this.socketPath = socketPath;
        this.start = start;
        var handler = new SocketsHttpHandler { ConnectCallback = (_, cancellation) => ConnectAsync(cancellation) };
        http = new HttpClient(handler)
        {
            BaseAddress = new Uri("http://gateway/"),
            MaxResponseContentBufferSize = AnswerBytesMax,
            Timeout = Timeout,
        };
    }

    /// <summary>Asks and gives the answer as it came.</summary>
    /// <exception cref="InputException">No daemon listens, or the question was wrong.</exception>
    /// <exception cref="RunFailedException">The daemon has no answer; the message says why.</exception>
    public async Task<byte[]> GetAsync(string path, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        return await SendAsync(request, cancellation).ConfigureAwait(false);
    }

    /// <summary>Sends a body and gives the answer as it came.</summary>
    /// <exception cref="InputException">No daemon listens, or the question was wrong.</exception>
    /// <exception cref="RunFailedException">The daemon refused; the message says why.</exception>
    public async Task<byte[]> PostAsync(string path, byte[] body, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/cbor");
        return await SendAsync(request, cancellation).ConfigureAwait(false);
    }

    /// <summary>Reads an answer.</summary>
    public static T Read<T>(byte[] answer, JsonTypeInfo<T> type) =>
        JsonSerializer.Deserialize(answer, type) ?? throw new RunFailedException("the gateway answered with nothing");

    public void Dispose() => http.Dispose();

    private async Task<byte[]> SendAsync(HttpRequestMessage request, CancellationToken cancellation)
    {
        try
        {
            using HttpResponseMessage response = await http.SendAsync(request, cancellation).ConfigureAwait(false);
            byte[] body = await response.Content.ReadAsByteArrayAsync(cancellation).ConfigureAwait(false);
            if (response.IsSuccessStatusCode)
            {
                return body;
            }

            string problem = Read(body, AdminJson.Default.ProblemAnswer).Problem;
            throw response.StatusCode == HttpStatusCode.BadRequest
                ? new InputException(problem)
                : new RunFailedException(problem);
        }
        catch (HttpRequestException e) when (e.InnerException is SocketException socket)
        {
            throw new InputException(
                socket.SocketErrorCode == SocketError.AccessDenied
                    ? $"the admin socket {socketPath} is not open to this user; ask its owner to add you to its group"
                    : $"no gateway answers on {socketPath}; start it with: {start}", e);
        }
        catch (Exception e) when (e is HttpRequestException or JsonException)
        {
            throw new RunFailedException($"what listens on {socketPath} does not answer as a gateway does", e);
        }
        catch (TaskCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new RunFailedException(
                $"the gateway on {socketPath} did not answer within {Timeout.TotalSeconds} s; is it stopped?", e);
        }
    }

    private async ValueTask<Stream> ConnectAsync(CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), cancellation).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
