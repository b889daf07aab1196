using System.Net.Sockets;

namespace FedIoT.Display;

/// <summary>Asks the daemon for its status over the admin socket.</summary>
public sealed class GatewayState : IDisposable
{
    private const int AnswerBytesMax = 1 << 20;
    private readonly HttpClient http;

    /// <summary>Connects with the first question.</summary>
    /// <param name="socketPath">The admin socket; this user is in its group.</param>
    public GatewayState(string socketPath)
    {
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellation) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), cancellation)
                        .ConfigureAwait(false);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
        };
        http = new HttpClient(handler)
        {
            BaseAddress = new Uri("http://gateway/"),
            MaxResponseContentBufferSize = AnswerBytesMax,
            Timeout = TimeSpan.FromSeconds(2),
        };
    }

    /// <summary>The answer as it came; null when the gateway does not answer.</summary>
    public async Task<byte[]?> TryReadAsync(CancellationToken cancellation)
    {
        try
        {
            return await http.GetByteArrayAsync(new Uri("v1/status", UriKind.Relative), cancellation)
                .ConfigureAwait(false);
        }
        catch (Exception e) when (
            e is HttpRequestException or IOException
                || (e is TaskCanceledException && !cancellation.IsCancellationRequested))
        {
            return null;
        }
    }

    /// <summary>Closes the connection.</summary>
    public void Dispose() => http.Dispose();
}
