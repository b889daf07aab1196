using System.Text.Json;
using FedIoT.Gateway.Admin;
using FedIoT.Gateway.Tests.Operate;
using FedIoT.Signing.Tests.Pkcs11;
using Xunit;

namespace FedIoT.HardwareKeys.Tests;

/// <summary>
/// Four real daemons; the first one's key is in a token that is taken away, brought back, and asked with wrong PINs.
/// </summary>
public sealed class DegradeTests(TokenNetwork network) : IClassFixture<TokenNetwork>
{
    private const string Degraded = "signer is degraded (Absent)";
    private const string Works = "signer works again";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private TokenGateway Made => network.Made;

    private GatewayProcess[] Gateways => network.Gateways;

    private GatewayProcess WithToken => network.Gateways[0];

    [Fact]
    public async Task TokenRemovedInMidRun_NodeFollowsTheChainSaysWhyAndVotesAgainWhenItIsBack()
    {
        await WaitForSignerAsync("ok", null);
        int told = WithToken.CountLines(Degraded);
        int works = WithToken.CountLines(Works);
        Made.Hsm.MoveTokenAway();
        StatusAnswer status = await WaitForSignerAsync("degraded", "Absent");
        Assert.Equal("degraded", status.State);
        Assert.Contains(status.Reasons, r => r.StartsWith("signer: degraded, ", StringComparison.Ordinal));
        long height = await HeightOfAsync(WithToken);
        await TokenGateway.WaitUntilAsync(
            async () => await HeightOfAsync(WithToken) >= height + 5, "follows the chain without its key", Gateways);

        (int exitCode, string output, _) = await Made.TryVerbAsync(
            "status", "--config", WithToken.Configuration, "--json");
        Assert.Equal(1, exitCode);
        JsonElement signer = JsonDocument.Parse(output).RootElement.GetProperty("signer");
        Assert.Equal("Absent", signer.GetProperty("fault").GetString());
        Assert.InRange(
            signer.GetProperty("since").GetInt64(), 1, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds());
        await AssertLoggedAsync(Degraded, told + 1);

        Made.Hsm.BringTokenBack();
        await WaitForSignerAsync("ok", null);
        await AssertVotesAsync();
        await AssertLoggedAsync(Works, works + 1);
    }

    [Fact]
    public async Task WrongPin_IsSentOnceAndTheRightOneIsFoundLater()
    {
        Made.Hsm.MoveTokenAway(); // ends the session: the next one needs the PIN
        await WaitForSignerAsync("degraded", "Absent");
        Made.Hsm.WritePin("canary-wrong-17");
        Made.Hsm.BringTokenBack();
        StatusAnswer status = await WaitForSignerAsync("degraded", "PinRefused");
        await TokenGateway.WaitUntilAsync(
            async () => (await StatusAsync())?.Signer.Reason?
                .Contains("not sent again", StringComparison.Ordinal) == true,
            "tried again without the PIN", Gateways);
        Assert.Equal(0, WithToken.CountLines("canary"));
        Assert.DoesNotContain("canary", status.ToString(), StringComparison.Ordinal);
        Made.Hsm.WritePin(SoftHsm.Pin);
        await WaitForSignerAsync("ok", null);
        await AssertVotesAsync();
    }

    [Fact]
    public async Task StartWithoutTheToken_BeginsDegradedAndEntersTheChainWhenItComes()
    {
        await WithToken.SignalAsync("KILL");
        await WithToken.WaitForExitAsync(TimeSpan.FromSeconds(60));
        Made.Hsm.MoveTokenAway();
        await WithToken.StartAsync();
        StatusAnswer status = await WaitForSignerAsync("degraded", "Absent");
        Assert.Equal(0, status.PeersConnected);
        Made.Hsm.BringTokenBack();
        await WaitForSignerAsync("ok", null);
        await AssertVotesAsync();
    }

    [Fact]
    public async Task TwoProcessesWithOneToken_TheSecondSaysWhoHasTheKey()
    {
        await Gateways[1].SignalAsync("TERM");
        await Gateways[1].WaitForExitAsync(TimeSpan.FromSeconds(60));
        string text = await File.ReadAllTextAsync(Gateways[1].Configuration, Cancellation);
        await File.WriteAllTextAsync(
            Gateways[1].Configuration,
            text.Replace("file:keys/node.key", Made.AddressOf("node"), StringComparison.Ordinal), Cancellation);
        (int exitCode, _, string error) = await Made.TryVerbAsync("run", "--config", Gateways[1].Configuration);
        Assert.Equal(1, exitCode);
        Assert.Contains($"in use by process {WithToken.ProcessId}", error, StringComparison.Ordinal);
        await WaitForSignerAsync("ok", null);
        await File.WriteAllTextAsync(Gateways[1].Configuration, text, Cancellation);
        await Gateways[1].StartAsync();
    }

    // Three of four are needed: with one of the others stopped, no block comes without this key's votes.
    private async Task AssertVotesAsync()
    {
        await Gateways[3].SignalAsync("KILL");
        await Gateways[3].WaitForExitAsync(TimeSpan.FromSeconds(60));
        long height = await HeightOfAsync(Gateways[1]);
        await TokenGateway.WaitUntilAsync(
            async () => await HeightOfAsync(Gateways[1]) >= height + 3 && await HeightOfAsync(WithToken) >= height + 3,
            "blocks that need this key's votes", Gateways);
        await Gateways[3].StartAsync();
    }

    // The log comes through a pipe, later than the answers of the admin socket.
    private async Task AssertLoggedAsync(string part, int count)
    {
        await TokenGateway.WaitUntilAsync(
            () => Task.FromResult(WithToken.CountLines(part) >= count), $"{count} times in the log: {part}", WithToken);
        Assert.Equal(count, WithToken.CountLines(part));
    }

    private static async Task<long> HeightOfAsync(GatewayProcess gateway) =>
        (await gateway.TryReadChainAsync(Cancellation))?.Height ?? -1;

    private Task<StatusAnswer?> StatusAsync() =>
        WithToken.TryReadAsync("v1/status", AdminJson.Default.StatusAnswer, Cancellation);

    private async Task<StatusAnswer> WaitForSignerAsync(string state, string? fault)
    {
        StatusAnswer? last = null;
        await TokenGateway.WaitUntilAsync(
            async () =>
            {
                last = await StatusAsync();
                return last?.Signer.State == state && last.Signer.Fault == fault;
            },
            $"signer {state} {fault}", Gateways);
        return last!;
    }
}
