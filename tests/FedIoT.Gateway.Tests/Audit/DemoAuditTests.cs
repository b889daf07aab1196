using FedIoT.Gateway.Audit;
using FedIoT.Gateway.Demo;
using FedIoT.Ledger;
using FedIoT.Wire;
using Xunit;

namespace FedIoT.Gateway.Tests.Audit;

/// <summary>What real nodes leave on disk: proposals, locks, commits of several rounds, real training.</summary>
public sealed class DemoAuditTests
{
    [Fact]
    public async Task Audit_OfEveryNodeOfADemo_FindsNothingAndProofsOfOneConvinceTheOthers()
    {
        using var folder = new TemporaryFolder();
        string output = OutputFolder.Prepare(folder.File("demo"));
        var options = new DemoOptions { Rounds = 2, OutFolder = output };
        DemoReport report = await new DemoRunner(options, TimeProvider.System)
            .RunAsync(new PlainView(TextWriter.Null, TimeProvider.System), TestContext.Current.CancellationToken);
        Assert.True(report.Succeeded, string.Join("; ", report.Problems));

        string[] nodes = [.. Directory.GetDirectories(Path.Combine(output, "nodes")).Order()];
        Assert.Equal(4, nodes.Length);
        var genesis = new HashSet<Hash256>();
        foreach (string node in nodes)
        {
            ChainFolder found = ChainFolder.Find(node);
            Genesis own = found.ReadGenesis(file: null)!;
            genesis.Add(own.Hash);
            AuditReport audit = await AuditFixture.AuditAsync(node, own);
            Assert.Null(audit.Finding);
            Assert.True(audit.Height.Value >= report.Height);
            Assert.True(audit.Transactions > 0);
        }

        Hash256 trusted = Assert.Single(genesis);
        ChainFolder chain = ChainFolder.Find(nodes[0]);
        var builder = new BundleBuilder(chain, chain.ReadGenesis(file: null)!);
        LedgerState state = Replayed(chain);
        string task = state.Tasks.Values.Single().Specification.Name;
        byte[][] bundles =
        [
            builder.ForModel(task, version: null, after: null),
            builder.ForAccount(state.GatewaysWithDevices().First().Id, after: null),
            builder.ForDelta(task, 2, state.Devices.Keys.First()),
        ];
        Assert.All(bundles, b => Assert.Null(BundleVerifier.Check(b, trusted).Finding));
    }

    private static LedgerState Replayed(ChainFolder chain) =>
        new ChainReplay(chain, chain.ReadGenesis(file: null)!).At(after: null)!.After;
}
