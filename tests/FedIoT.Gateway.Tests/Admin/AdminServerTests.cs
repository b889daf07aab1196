using System.Net.Sockets;
using System.Text;
using FedIoT.Consensus;
using FedIoT.Gateway.Admin;
using FedIoT.Gateway.Board;
using FedIoT.Gateway.Cli;
using FedIoT.Gateway.Configuration;
using FedIoT.Gateway.Node;
using FedIoT.Gateway.Operate;
using FedIoT.Ledger;
using FedIoT.Wire;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace FedIoT.Gateway.Tests.Admin;

/// <summary>The API over a real socket, in front of a gateway that is a chain of its own.</summary>
public sealed class AdminServerTests : IAsyncLifetime
{
    private readonly TemporaryFolder folder = new();
    private GatewayNode? node;
    private NodeKeys? keys;
    private AdminServer? server;
    private AdminSource? source;
    private GatewayBoard? board;

    private string SocketPath => folder.File("admin.sock");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        keys = NodeKeys.OpenOrCreate(folder.File("keys"));
        var problems = new ProblemList();
        GatewayConfiguration configuration = GatewayConfigurationReader.Parse(
            GatewayTemplate.Fill("plant-7", "127.0.0.1:7400", "127.0.0.1:1883"), folder.File("gateway.toml"),
            problems)!;
        Directory.CreateDirectory(configuration.StateFolder);
        node = await GatewayNode.StartAsync(
            new GatewayNodeOptions
            {
                Folder = configuration.StateFolder,
                Genesis = new Genesis(
                    "plant-7", [new GenesisValidator(keys.Node.PublicKey, 1)], [keys.Node.PublicKey],
                    [keys.Training.PublicKey]),
                Keys = keys,
                Features = configuration.Features,
                Devices = [],
                TrainingDevices = [],
                Timeouts = new ConsensusTimeouts { IdleInterval = TimeSpan.FromMilliseconds(100) },
            },
            onCommitted: null, TimeProvider.System, NullLoggerFactory.Instance, Cancellation);
        node.Connect(new Dictionary<AccountId, System.Net.IPEndPoint>());
        board = GatewayBoard.Open(
            configuration, BoardHardware.OfThisMachine, TimeProvider.System, NullLogger.Instance);
        source = new AdminSource(configuration, node, new TransactionIndex(), TimeProvider.System, 0, board,
            new RecentLog(TimeProvider.System));
        server = await AdminServer.StartAsync(SocketPath, source, Cancellation);
        await node.Chain.WaitForHeightAsync(new Height(3), Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await server!.DisposeAsync();
        await node!.DisposeAsync();
        await board!.DisposeAsync();
        keys!.Dispose();
        folder.Dispose();
    }

    [Fact]
    public void Socket_IsForOwnerAndGroup()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "file modes");
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite,
                File.GetUnixFileMode(SocketPath));
        }
    }

    [Theory]
    [InlineData("GET", "/v1/status", 200, "fediot.status/1")]
    [InlineData("GET", "/v1/chain/status", 200, "fediot.chain-status/1")]
    [InlineData("GET", "/v1/chain/blocks?count=2", 200, "fediot.blocks/1")]
    [InlineData("GET", "/v1/chain/blocks/1", 200, "fediot.block/1")]
    [InlineData("GET", "/v1/chain/validators", 200, "fediot.validators/1")]
    [InlineData("GET", "/v1/chain/peers", 200, "fediot.peers/1")]
    [InlineData("GET", "/v1/chain/evidence", 200, "fediot.evidence/1")]
    [InlineData("GET", "/v1/keys", 200, "fediot.node-keys/1")]
    [InlineData("POST", "/v1/keys/rotate", 409, "fediot.problem/1")]
    [InlineData("POST", "/v1/keys/revoke", 409, "fediot.problem/1")]
    [InlineData("GET", "/v1/tasks", 200, "fediot.tasks/1")]
    [InlineData("GET", "/v1/station", 200, "fediot.station/1")]
    [InlineData("GET", "/v1/log", 200, "fediot.log/1")]
    [InlineData("POST", "/v1/station/clear-alarm", 409, "fediot.problem/1")]
    [InlineData("POST", "/v1/station/set-clock", 409, "fediot.problem/1")]
    [InlineData("POST", "/v1/station/enrolment", 400, "fediot.problem/1")]
    [InlineData("POST", "/v1/station/none", 404, "fediot.problem/1")]
    [InlineData("GET", "/v1/tasks/none", 404, "fediot.problem/1")]
    [InlineData("GET", "/v1/tasks/none/model", 404, "fediot.problem/1")]
    [InlineData("POST", "/v1/votes/none?power=1", 400, "fediot.problem/1")]
    [InlineData("GET", "/v1/chain/blocks/0", 404, "fediot.problem/1")]
    [InlineData("GET", "/v1/chain/blocks/9223372036854775807", 404, "fediot.problem/1")]
    [InlineData("GET", "/v1/chain/blocks/-1", 400, "fediot.problem/1")]
    [InlineData("GET", "/v1/chain/blocks?count=99999999999999999999", 400, "fediot.problem/1")]
    [InlineData("GET", "/v1/chain/blocks?count=0", 400, "fediot.problem/1")]
    [InlineData("GET", "/v1/chain/blocks?count=101", 400, "fediot.problem/1")]
    [InlineData("GET", "/v1/chain/blocks?from=0", 400, "fediot.problem/1")]
    [InlineData("GET", "/v1/chain/transactions/12", 400, "fediot.problem/1")]
    [InlineData("GET", "/v1/chain/transactions/1234567x", 400, "fediot.problem/1")]
    [InlineData("GET", "/v1/chain/transactions/12345678", 404, "fediot.problem/1")]
    [InlineData("GET", "/", 404, "fediot.problem/1")]
    [InlineData("DELETE", "/v1/tasks", 405, "fediot.problem/1")]
    [InlineData("POST", "/v1/status", 405, "fediot.problem/1")]
    public async Task Request_GivesItsStatusAndSchema(string method, string path, int status, string schema)
    {
        string answer = await ExchangeAsync($"{method} {path} HTTP/1.1\r\nHost: g\r\nConnection: close\r\n\r\n");
        Assert.StartsWith($"HTTP/1.1 {status} ", answer, StringComparison.Ordinal);
        Assert.Contains($"\"schema\":\"{schema}\"", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task BodyOverTheLimit_IsRefusedBeforeItIsRead()
    {
        string answer = await ExchangeAsync(
            "POST /v1/tasks HTTP/1.1\r\nHost: g\r\nConnection: close\r\nContent-Length: 999999999999\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 413 ", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TaskThatIsNone_IsRefused()
    {
        using var client = new AdminClient(SocketPath, "start");
        InputException refusal = await Assert.ThrowsAsync<InputException>(
            () => client.PostAsync("v1/tasks", [0x80], Cancellation));
        Assert.Contains("not a task", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2020, "the clock says 2020-01-01 00:00:00Z, the last block is of 2")]
    [InlineData(2200, "although enough validators are connected: is the clock right? It says 2200-01-01 00:00:00Z")]
    public async Task Clock_FarFromTheLastBlock_IsToldOf(int year, string told)
    {
        Assert.Null(new ChainAnswers(source!).ClockProblem());
        GatewayConfiguration other = source!.Configuration with { StateFolder = folder.File("other") };
        Directory.CreateDirectory(other.StateFolder);
        await using GatewayBoard wrong = GatewayBoard.Open(
            other, BoardHardware.OfThisMachine, new WrongClock(year), NullLogger.Instance);
        string? problem = new ChainAnswers(source with { Board = wrong }).ClockProblem();
        Assert.Contains(told, problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SecondServer_OnTheSameSocket_IsRefused_AndAStaleSocketIsReplaced()
    {
        await Assert.ThrowsAsync<RunFailedException>(() => AdminServer.StartAsync(SocketPath, source!, Cancellation));
        string stale = folder.File("stale.sock");
        using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            dead.Bind(new UnixDomainSocketEndPoint(stale)); // closed without being removed
        }

        await using AdminServer replaced = await AdminServer.StartAsync(stale, source!, Cancellation);
        using var client = new AdminClient(stale, "start");
        Assert.NotEmpty(await client.GetAsync("v1/status", Cancellation));
        await File.WriteAllTextAsync(folder.File("file"), "precious", Cancellation);
        await Assert.ThrowsAsync<RunFailedException>(
            () => AdminServer.StartAsync(folder.File("file"), source!, Cancellation));
        Assert.Contains(
            "/proc/none/admin.sock ([node] admin_socket of ",
            (await Assert.ThrowsAsync<RunFailedException>(
                () => AdminServer.StartAsync("/proc/none/admin.sock", source!, Cancellation))).Message,
            StringComparison.Ordinal);
        Assert.Equal("precious", await File.ReadAllTextAsync(folder.File("file"), Cancellation));
    }

    private async Task<string> ExchangeAsync(string request)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath), Cancellation);
        await using var stream = new NetworkStream(socket);
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request), Cancellation);
        using var answer = new MemoryStream();
        await stream.CopyToAsync(answer, Cancellation);
        return Encoding.UTF8.GetString(answer.ToArray());
    }

    // A machine without a battery and without a network.
    private sealed class WrongClock(int year) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(year, 1, 1, 0, 0, 0, TimeSpan.Zero);
    }
}
