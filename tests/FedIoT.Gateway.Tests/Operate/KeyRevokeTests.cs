using System.Text.Json;
using FedIoT.Gateway.Admin;
using FedIoT.Gateway.Cli;
using FedIoT.Gateway.Configuration;
using Xunit;

namespace FedIoT.Gateway.Tests.Operate;

/// <summary>One of four gateways ends its node key, as when somebody else may have it.</summary>
public sealed class KeyRevokeTests(GatewayProcessNetwork network) : IClassFixture<GatewayProcessNetwork>
{
    private const int Victim = 3;
    private static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(120);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private GatewayProcess Revoked => network.Gateways[Victim];

    private GatewayProcess Other => network.Gateways[0];

    [Fact]
    public async Task Revoke_OneOfFour_IsCutOffForEverAndTheOthersGoOn()
    {
        await network.WaitUntilAsync(
            async () => (await network.HeightsAsync(Cancellation)).Min() > 2
                && await StateAsync() == "ok",
            WaitMax, "the four have blocks and are well");
        string account = (await Revoked.TryReadChainAsync(Cancellation))!.Account;

        // Its own key has to consent, and its administrator to say so twice.
        (int exitCode, _, string losses) = await GatewayProcess.RunVerbAsync(
            "keys", "revoke", "--config", Revoked.Configuration);
        Assert.Equal(ExitCode.BadInput, exitCode);
        Assert.Contains($"this would end account {account} for ever", losses, StringComparison.Ordinal);
        Assert.Equal("steady", (await KeysAsync()).Phase);
        Assert.Equal((1L, 1L), await PowerAsync(account));

        JsonElement done = JsonDocument.Parse(await GatewayProcessNetwork.VerbAsync(
            "keys", "revoke", "--yes", "--config", Revoked.Configuration, "--json")).RootElement;
        Assert.Equal(
            ("revoked", account), (done.GetProperty("phase").GetString(), done.GetProperty("account").GetString()));
        long revokedAt = done.GetProperty("height").GetInt64();
        await network.WaitUntilAsync(
            async () => await PowerAsync(account) is null, WaitMax, "'chain validators' of another is without it");
        string validators = await GatewayProcessNetwork.VerbAsync(
            "chain", "validators", "--config", Other.Configuration);
        Assert.DoesNotContain(account[..8], validators, StringComparison.Ordinal);

        await network.WaitUntilAsync(
            async () => await PeerAsync(account) is { State: "disconnected" or "banned", Standing: "refused" },
            WaitMax, "the others end the connection");
        await OthersGoOnAsync(account, revokedAt);
        await NothingBringsItBackAsync(account);

        // With the same key it comes back to nobody, and says what is the matter.
        await Revoked.SignalAsync("TERM");
        Assert.Equal(0, await Revoked.WaitForExitAsync(WaitMax));
        await Revoked.StartAsync();
        long stuckAt = (await Revoked.TryReadChainAsync(Cancellation))!.Height;
        await OthersGoOnAsync(account, revokedAt);
        ChainStatusAnswer still = (await Revoked.TryReadChainAsync(Cancellation))!;
        Assert.Equal((stuckAt, 0), (still.Height, still.PeersConnected));
        Assert.Equal("revoked", (await KeysAsync()).Phase);
        (int status, string text, _) = await GatewayProcess.RunVerbAsync("status", "--config", Revoked.Configuration);
        Assert.Equal(ExitCode.Failure, status);
        Assert.Contains("the node key was revoked at height", text.ReplaceLineEndings(" "), StringComparison.Ordinal);
        Assert.Contains("revoked", await GatewayProcessNetwork.VerbAsync(
            "keys", "revoke", "--config", Revoked.Configuration), StringComparison.Ordinal); // changes nothing
    }

    // No vote of the others and no registration gives the account or the key anything again.
    private async Task NothingBringsItBackAsync(string account)
    {
        (int voted, _, string vote) = await GatewayProcess.RunVerbAsync(
            "chain", "vote", account, "1", "--config", Other.Configuration);
        Assert.True(voted == ExitCode.Failure, vote);
        (int admitted, _, string admit) = await GatewayProcess.RunVerbAsync(
            "chain", "admit", Path.Combine(Revoked.Folder, PublicPart.FileName), "--config", Other.Configuration);
        Assert.True(admitted == ExitCode.Failure, admit);
        Assert.Null(await PowerAsync(account));
    }

    // Three blocks more, each by one of the three; the revoked key signed nothing behind its last height.
    private async Task OthersGoOnAsync(string account, long revokedAt)
    {
        long height = (await network.HeightsAsync(Cancellation, Victim)).Max();
        await network.WaitUntilAsync(
            async () => (await network.HeightsAsync(Cancellation, Victim)).Min() >= height + 3, WaitMax,
            "the three go on");
        BlocksAnswer blocks = (await Other.TryReadAsync(
            "v1/chain/blocks?count=100", AdminJson.Default.BlocksAnswer, Cancellation))!;
        Assert.DoesNotContain(blocks.Blocks, b => b.Height > revokedAt + 1 && b.Proposer == account);
        Assert.Equal(3, (await Other.TryReadChainAsync(Cancellation))!.Validators);
    }

    private async Task<(long Power, long Next)?> PowerAsync(string account)
    {
        ValidatorsAnswer? answer = await Other.TryReadAsync(
            "v1/chain/validators", AdminJson.Default.ValidatorsAnswer, Cancellation);
        ValidatorsAnswer.ValidatorItem? item = answer!.Validators.FirstOrDefault(v => v.Account == account);
        return item is null ? null : (item.Power, item.NextPower);
    }

    private async Task<PeersAnswer.PeerItem?> PeerAsync(string account) =>
        (await Other.TryReadAsync("v1/chain/peers", AdminJson.Default.PeersAnswer, Cancellation))?.Peers
            .FirstOrDefault(p => p.Account == account);

    private async Task<string?> StateAsync() =>
        (await Revoked.TryReadAsync("v1/status", AdminJson.Default.StatusAnswer, Cancellation))?.State;

    private async Task<NodeKeysAnswer> KeysAsync() =>
        (await Revoked.TryReadAsync("v1/keys", AdminJson.Default.NodeKeysAnswer, Cancellation))!;
}
