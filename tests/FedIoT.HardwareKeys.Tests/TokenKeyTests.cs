using FedIoT.Gateway.Admin;
using FedIoT.Gateway.Configuration;
using FedIoT.Gateway.Tests.Operate;
using FedIoT.Wire.Cose;
using Xunit;

namespace FedIoT.HardwareKeys.Tests;

/// <summary>A key in a token as the node key of real processes: init, check, run.</summary>
public sealed class TokenKeyTests : IDisposable
{
    private readonly TokenGateway gateway = new();

    public void Dispose() => gateway.Dispose();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task InitCheckRun_KeyInAToken_IsTheNodeKey()
    {
        await gateway.InitAsync(0, "node");
        PublicPart part = PublicPart.Read(Path.Combine(gateway.FolderOf(0), PublicPart.FileName));
        Assert.Equal(SignatureAlgorithm.Es256, part.Key.Algorithm);
        Assert.False(File.Exists(Path.Combine(gateway.FolderOf(0), "keys", "node.key")));
        await using GatewayProcess daemon = (await gateway.MakeNetworkAsync(1))[0];
        string check = await gateway.VerbAsync("check", daemon.Configuration);
        Assert.Contains($"account {part.Key.Account}", check, StringComparison.Ordinal);
        await daemon.StartAsync();
        ChainStatusAnswer chain = (await daemon.TryReadChainAsync(Cancellation))!;
        Assert.Equal(part.Key.Account.ToString(), chain.Account);
    }

    [Fact]
    public async Task Check_WrongPin_SaysSoAtTheKeysPlaceAndNeverShowsIt()
    {
        await gateway.InitAsync(0, "node");
        await gateway.MakeNetworkAsync(1);
        gateway.Hsm.WritePin("canary-wrong-44");
        (int exitCode, string output, string error) = await gateway.TryVerbAsync("check", gateway.ConfigurationOf(0));
        Assert.Equal((2, string.Empty), (exitCode, output));
        Assert.Contains($"{gateway.ConfigurationOf(0)}:15:8: error: ", error, StringComparison.Ordinal);
        Assert.Contains($"it refused the PIN from file {gateway.Hsm.PinFile}", error, StringComparison.Ordinal);
        Assert.DoesNotContain("canary", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Init_KeyThatIsNotThere_LeavesNothingThatTheNextTryTripsOver()
    {
        (int exitCode, _, string error) = await gateway.TryVerbAsync(
            "init", "--folder", gateway.FolderOf(0), "--node-key", gateway.AddressOf("node"));
        Assert.Equal(1, exitCode);
        Assert.Contains("0 private keys with this label", error, StringComparison.Ordinal);
        await gateway.InitAsync(0, "node");
        await gateway.InitWithAsync(0, gateway.AddressOf("node")); // repeated
        (exitCode, _, error) = await gateway.TryVerbAsync(
            "init", "--folder", gateway.FolderOf(0), "--chain-id", "token-test", "--node-key", "file:other.key");
        Assert.Equal(2, exitCode);
        Assert.Contains("another key is another gateway", error, StringComparison.Ordinal);
    }
}
