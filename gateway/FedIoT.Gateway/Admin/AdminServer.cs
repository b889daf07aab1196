using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using FedIoT.Consensus;
using FedIoT.Gateway.Cli;
using FedIoT.Gateway.Operate;
using FedIoT.Wire;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace FedIoT.Gateway.Admin;

/// <summary>
/// The daemon's only local interface: HTTP/1.1 and JSON on a Unix socket that owner and group may use (mode 0660).
/// Whoever can open the socket may do everything here; there is no other login. docs/spec/admin.md.
/// </summary>
internal sealed class AdminServer : IAsyncDisposable
{
    /// <summary>Longest request body, in bytes: an encoded task or transaction.</summary>
    public const int BodyBytesMax = 256 << 10;

    private const int ConnectionsMax = 32;
    private const int BlocksDefault = 20;
    private const UnixFileMode OwnerAndGroup = UnixFileMode.UserRead | UnixFileMode.UserWrite
        | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    private readonly WebApplication host;
    private readonly ChainAnswers chain;
    private readonly GatewayAnswers gateway;
    private readonly KeyAnswers keys;
    private readonly ChainOrders orders;
    private readonly StationAnswers station;
    private readonly RecentLog log;

    private AdminServer(WebApplication host, AdminSource source)
    {
        this.host = host;
        chain = new ChainAnswers(source);
        gateway = new GatewayAnswers(source);
        keys = new KeyAnswers(source);
        orders = new ChainOrders(source);
        station = new StationAnswers(source);
        log = source.Log;
    }

    /// <summary>Listens on a socket path; a socket that a dead process left there is replaced.</summary>
    /// <exception cref="RunFailedException">Somebody else listens there, something else is there, or the path is not
    /// usable.</exception>
    public static async Task<AdminServer> StartAsync(
        string path, AdminSource source, CancellationToken cancellation)
    {
        try
        {
            RemoveStaleSocket(path);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            return await ListenAsync(path, source, cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SocketException)
        {
            throw new RunFailedException(
                $"cannot listen on {path} ([node] admin_socket of {source.Configuration.File}): {e.Message}", e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await host.StopAsync(new CancellationToken(canceled: true)).ConfigureAwait(false);
        await host.DisposeAsync().ConfigureAwait(false);
    }

    private static async Task<AdminServer> ListenAsync(
        string path, AdminSource source, CancellationToken cancellation)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = BodyBytesMax;
            kestrel.Limits.MaxRequestLineSize = 2 << 10;
            kestrel.Limits.MaxRequestHeadersTotalSize = 8 << 10;
            kestrel.Limits.MaxConcurrentConnections = ConnectionsMax;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(5);
            kestrel.ListenUnixSocket(path);
        });
        var server = new AdminServer(builder.Build(), source);
        server.host.Run(server.HandleAsync);
        try
        {
            await server.host.StartAsync(cancellation).ConfigureAwait(false);
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(path, OwnerAndGroup);
            }

            return server;
        }
        catch
        {
            await server.host.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static void RemoveStaleSocket(string path)
    {
        if (!File.Exists(path))
        {
            return;
        }

        if (new FileInfo(path).Length > 0)
        {
            throw new RunFailedException(
                $"{path} is a file with content, not a socket; remove it or choose another path");
        }

        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException)
        {
            File.Delete(path); // nobody answers: a process that was killed left it
            return;
        }

        throw new RunFailedException($"another process listens on the admin socket {path}; choose another path");
    }

    private async Task HandleAsync(HttpContext context)
    {
        try
        {
            object answer = await AnswerAsync(context).ConfigureAwait(false);
            await WriteAsync(context, StatusCodes.Status200OK, answer).ConfigureAwait(false);
        }
        catch (AdminProblemException e)
        {
            await WriteAsync(context, e.Status, new ProblemAnswer(e.Message)).ConfigureAwait(false);
        }
        catch (SignerException e)
        {
            await WriteAsync(context, StatusCodes.Status503ServiceUnavailable, new ProblemAnswer(e.Message))
                .ConfigureAwait(false);
        }
        catch (BadHttpRequestException e)
        {
            await WriteAsync(context, e.StatusCode, new ProblemAnswer(e.Message)).ConfigureAwait(false);
        }
    }

    private async Task<object> AnswerAsync(HttpContext context)
    {
        HttpRequest request = context.Request;
        string[] parts = (request.Path.Value ?? string.Empty).Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (HttpMethods.IsPost(request.Method))
        {
            byte[] body = await ReadBodyAsync(request, context.RequestAborted).ConfigureAwait(false);
            return parts switch
            {
                ["v1", "tasks"] =>
                    await gateway.CreateTaskAsync(body, context.RequestAborted).ConfigureAwait(false),
                ["v1", "chain", "transactions"] => await chain.SubmitAsync(body).ConfigureAwait(false),
                ["v1", "gateways", var nodeKey] => await orders.AdmitAsync(
                    Text(request, "algorithm"), nodeKey, context.RequestAborted).ConfigureAwait(false),
                ["v1", "votes", var candidate] => await orders.VoteAsync(
                    candidate, Number(request, "power"), context.RequestAborted).ConfigureAwait(false),
                ["v1", "keys", "rotate"] => await keys.RotateAsync(context.RequestAborted).ConfigureAwait(false),
                ["v1", "keys", "revoke"] =>
                    await keys.RevokeAsync(body, context.RequestAborted).ConfigureAwait(false),
                ["v1", "station", "clear-alarm"] => station.ClearAlarm(),
                ["v1", "station", "set-clock"] => station.SetClock(),
                ["v1", "station", "enrolment"] => station.AllowEnrolment(body),
                ["v1", "station", _] => throw new AdminProblemException(
                    StatusCodes.Status404NotFound, "there is nothing at this path"),
                _ => throw NoSuchOrder(),
            };
        }

        if (!HttpMethods.IsGet(request.Method))
        {
            throw NoSuchOrder();
        }

        return parts switch
        {
            ["v1", "status"] => gateway.Status(),
            ["v1", "keys"] => keys.Read(),
            ["v1", "station"] => station.Status(),
            ["v1", "log"] => new LogAnswer(log.Lines),
            ["v1", "tasks"] => gateway.Tasks(),
            ["v1", "tasks", var key] => gateway.Task(Uri.UnescapeDataString(key)),
            ["v1", "tasks", var key, "model"] => gateway.Model(Uri.UnescapeDataString(key)),
            ["v1", "chain", "status"] => chain.Status(),
            ["v1", "chain", "blocks"] => chain.Blocks(
                Number(request, "from"), Number(request, "count") ?? BlocksDefault),
            ["v1", "chain", "blocks", var height] => chain.Block(Number(height, "height")),
            ["v1", "chain", "transactions", var hash] => chain.Transaction(hash),
            ["v1", "chain", "validators"] => chain.Validators(),
            ["v1", "chain", "peers"] => chain.Peers(),
            ["v1", "chain", "evidence"] => chain.Evidence(),
            _ => throw new AdminProblemException(StatusCodes.Status404NotFound, "there is nothing at this path"),
        };
    }

    private static AdminProblemException NoSuchOrder() => new(
        StatusCodes.Status405MethodNotAllowed,
        "only GET here, and POST v1/tasks, v1/chain/transactions, v1/gateways, v1/votes, v1/keys and v1/station");

    private static string Text(HttpRequest request, string name) => request.Query[name].ToString();

    private static long? Number(HttpRequest request, string name) =>
        request.Query.TryGetValue(name, out var text) ? Number(text.ToString(), name) : null;

    private static long Number(string text, string name) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            ? number
            : throw new AdminProblemException(
                StatusCodes.Status400BadRequest, $"'{name}' is a whole number from 0 on, not '{text}'");

    // Kestrel ends the reading with 413 when the body is longer than its limit.
    private static async Task<byte[]> ReadBodyAsync(HttpRequest request, CancellationToken cancellation)
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, cancellation).ConfigureAwait(false);
        return body.ToArray();
    }

    private static async Task WriteAsync(HttpContext context, int status, object answer)
    {
        JsonTypeInfo type = AdminJson.Default.GetTypeInfo(answer.GetType())
            ?? throw new InvalidOperationException($"{answer.GetType().Name} is no answer.");
        byte[] bytes = JsonSerializer.SerializeToUtf8Bytes(answer, type);
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = bytes.Length;
        await context.Response.Body.WriteAsync(bytes, context.RequestAborted).ConfigureAwait(false);
    }
}
