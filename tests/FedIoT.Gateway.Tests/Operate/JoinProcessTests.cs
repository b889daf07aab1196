using System.Text.Json;
using FedIoT.Gateway.Admin;
using FedIoT.Wire;
using Xunit;

namespace FedIoT.Gateway.Tests.Operate;

/// <summary>A gateway whose state folder is gone joins the running chain by a snapshot of the others.</summary>
public sealed class JoinProcessTests(JoinProcessTests.Network network) : IClassFixture<JoinProcessTests.Network>
{
    private static readonly TimeSpan WorkMax = TimeSpan.FromSeconds(120);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WipedGateway_JoinsBySnapshot_FollowsWithoutVotingAndSaysWhatItLacks()
    {
        GatewayProcess wiped = network.Gateways[3];
        GatewayProcess archive = network.Gateways[0];
        await network.WaitUntilAsync(
            async () => (await network.HeightsAsync(Cancellation)).Min() >= 25, WorkMax, "25 blocks");
        ChainStatusAnswer trusted = (await archive.TryReadChainAsync(Cancellation))!;

        // First with a hash that nobody has: it waits and says what is wrong.
        await RestartWithAsync(wiped, $"{trusted.Height}:{Hash256.Of("typing error"u8)}");
        await network.WaitUntilAsync(
            async () => await StatusAsync(wiped) is var told
                && told.Contains("no peer proves a snapshot", StringComparison.Ordinal)
                && told.Contains(trusted.BlockHash, StringComparison.Ordinal),
            WorkMax, "the wrong hash is told of, and the right one");
        Assert.Equal(0, (await wiped.TryReadChainAsync(Cancellation))!.Height);

        await RestartWithAsync(wiped, $"{trusted.Height}:{trusted.BlockHash}");
        bool isSilent = false; // for a minute
        await network.WaitUntilAsync(
            async () =>
            {
                string told = await StatusAsync(wiped);
                isSilent |= told.Contains("does not vote for now", StringComparison.Ordinal);
                return (await network.HeightsAsync(Cancellation)).Min() > trusted.Height + 5;
            },
            WorkMax, "the wiped gateway follows");
        ChainStatusAnswer joined = (await wiped.TryReadChainAsync(Cancellation))!;
        Assert.True(joined.FirstHeight > 1, $"the blocks begin at {joined.FirstHeight}");
        isSilent |= (await StatusAsync(wiped)).Contains("does not vote for now", StringComparison.Ordinal);
        Assert.True(isSilent, "it never said that it does not vote");
        await AssertSameBlocksAsync(archive, wiped, joined);

        (int exitCode, _, string error) = await GatewayProcess.RunVerbAsync(
            "chain", "block", "1", "--config", wiped.Configuration);
        Assert.Equal(1, exitCode);
        Assert.Contains($"its blocks begin at {joined.FirstHeight}", error, StringComparison.Ordinal);
        (exitCode, string output, _) = await GatewayProcess.RunVerbAsync(
            "verify", Path.Combine(wiped.Folder, "state"), "--json");
        Assert.Equal(1, exitCode);
        Assert.Equal("first block", JsonDocument.Parse(output).RootElement.GetProperty("finding")
            .GetProperty("what").GetString());
    }

    private static async Task<string> StatusAsync(GatewayProcess gateway)
    {
        StatusAnswer? status = await gateway.TryReadAsync("v1/status", AdminJson.Default.StatusAnswer, Cancellation);
        return string.Join('\n', status?.Reasons ?? []);
    }

    // The header above carries the state root: equal blocks are equal states.
    private static async Task AssertSameBlocksAsync(GatewayProcess one, GatewayProcess other, ChainStatusAnswer at)
    {
        for (long height = at.FirstHeight; height <= at.Height; height++)
        {
            BlockAnswer? expected = await one.TryReadAsync(
                $"v1/chain/blocks/{height}", AdminJson.Default.BlockAnswer, Cancellation);
            BlockAnswer? found = await other.TryReadAsync(
                $"v1/chain/blocks/{height}", AdminJson.Default.BlockAnswer, Cancellation);
            Assert.NotNull(found);
            Assert.Equal((expected?.Hash, expected?.StateRoot), (found.Hash, found.StateRoot));
        }
    }

    private static async Task RestartWithAsync(GatewayProcess gateway, string trusted)
    {
        await gateway.SignalAsync("TERM");
        await gateway.WaitForExitAsync(TimeSpan.FromSeconds(60));
        Directory.Delete(Path.Combine(gateway.Folder, "state"), recursive: true);
        string[] lines = await File.ReadAllLinesAsync(gateway.Configuration, Cancellation);
        await File.WriteAllLinesAsync(
            gateway.Configuration,
            lines.Where(l => !l.StartsWith("trusted", StringComparison.Ordinal)).SelectMany(l => l == "[chain]"
                ? (string[])[l, $"trusted = \"{trusted}\""] : [l]),
            Cancellation);
        await gateway.StartAsync();
    }

    /// <summary>Four gateways that decide quickly and write snapshots often.</summary>
    public sealed class Network : GatewayProcessNetwork
    {
        protected override string ChainSettings =>
            "idle_interval_ms = 200\nsnapshot_interval_blocks = 10\nsnapshots_kept = 4";
    }
}
