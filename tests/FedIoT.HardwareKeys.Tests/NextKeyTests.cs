using FedIoT.Gateway.Admin;
using FedIoT.Gateway.Tests.Operate;
using Xunit;

namespace FedIoT.HardwareKeys.Tests;

/// <summary>A gateway between two keys: the next one is as much its own as the present one.</summary>
public sealed class NextKeyTests : IDisposable
{
    private readonly TokenGateway made = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => made.Dispose();

    [Fact]
    public async Task NextNode_IsLockedAsTheNodeKeyAndMayBeAwayAtARestart()
    {
        await made.InitAsync(0, "node");
        await made.InitAsync(1, "second");
        GatewayProcess[] gateways = await made.MakeNetworkAsync(2);
        await using GatewayProcess daemon = gateways[0];
        await using GatewayProcess other = gateways[1];
        string text = await File.ReadAllTextAsync(daemon.Configuration, Cancellation);
        await File.WriteAllTextAsync(
            daemon.Configuration,
            text.Replace("[keys]", $"[keys]\nnext_node = \"{made.AddressOf("second")}\"", StringComparison.Ordinal),
            Cancellation);
        await daemon.StartAsync();

        // A second process with the key that the first one is changing to: both would vote with it.
        (int exitCode, _, string error) = await made.TryVerbAsync("run", "--config", other.Configuration);
        Assert.Equal(1, exitCode);
        Assert.Contains($"in use by process {daemon.ProcessId}", error, StringComparison.Ordinal);

        await daemon.SignalAsync("KILL");
        await daemon.WaitForExitAsync(TimeSpan.FromSeconds(60));
        made.Hsm.MoveTokenAway();
        await daemon.StartAsync();
        StatusAnswer? status = await daemon.TryReadAsync(
            "v1/status", AdminJson.Default.StatusAnswer, Cancellation);
        Assert.Equal("degraded", status!.Signer.State);
        made.Hsm.BringTokenBack();
        await TokenGateway.WaitUntilAsync(
            async () => (await daemon.TryReadAsync("v1/status", AdminJson.Default.StatusAnswer, Cancellation))
                ?.Signer.State == "ok",
            "both keys are back", daemon);
    }
}
