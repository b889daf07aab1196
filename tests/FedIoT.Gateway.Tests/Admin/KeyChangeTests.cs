using FedIoT.Consensus;
using FedIoT.Gateway.Admin;
using FedIoT.Gateway.Board;
using FedIoT.Gateway.Configuration;
using FedIoT.Gateway.Node;
using FedIoT.Gateway.Operate;
using FedIoT.Ledger;
using FedIoT.Signing;
using FedIoT.Wire;
using FedIoT.Wire.Cose;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace FedIoT.Gateway.Tests.Admin;

/// <summary>The orders about the node key, in front of a gateway that is a chain of its own.</summary>
public sealed class KeyChangeTests : IAsyncLifetime
{
    private readonly TemporaryFolder folder = new();
    private readonly TransactionIndex transactions = new();
    private NodeKeys? keys;
    private GatewayNode? node;
    private GatewayBoard? board;
    private KeyAnswers? answers;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private GatewayNode Node => node!;

    public ValueTask InitializeAsync()
    {
        keys = NodeKeys.OpenOrCreate(folder.File("keys"));
        return StartAsync(keys with { NextNode = Ed25519Signer.Create(folder.File("next.key")) });
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        keys!.Dispose();
        folder.Dispose();
    }

    [Fact]
    public async Task Rotate_OnlyValidator_GoesOnWithTheNewKeyAndRestartsWithItAlone()
    {
        AccountId account = Node.Account;
        AccountId next = Node.Signers.NextNode!.PublicKey.Account;
        Assert.Equal("steady", answers!.Read().Phase);
        NodeKeysAnswer asked = await answers.RotateAsync(Cancellation);
        Assert.Contains(asked.Phase, new[] { "waiting", "changing", "changed" });
        NodeKeysAnswer changed = await WaitForAsync("changed");
        Assert.Equal(
            (account.ToString(), next.ToString(), next.ToString(), 1),
            (changed.Account, changed.Key, changed.SignsWith, changed.Rotations));
        Assert.Equal("changed", (await answers.RotateAsync(Cancellation)).Phase);
        await Node.Chain.WaitForHeightAsync(new Height(changed.KeySince + 3), Cancellation);
        Assert.Equal(1, Node.State.Accounts[account].Rotations);
        Assert.Equal(next, Node.Chain.ReadBlock(new Height(changed.KeySince))!.Value.Block.Header.Proposer);
        long height = Node.Chain.Height.Value;

        ISigner present = Node.Signers.NextNode!;
        await StopAsync();
        await StartAsync(keys! with { Node = present });
        Assert.Equal((account, next), (Node.Account, Node.Chain.Account));
        await Node.Chain.WaitForHeightAsync(new Height(height + 2), Cancellation);
        Assert.Equal("steady", answers!.Read().Phase);
        await StopAsync();
        present.Dispose();
    }

    [Fact]
    public async Task Revoke_OnlyValidatorOrAnotherAccount_IsRefused()
    {
        byte[] body = System.Text.Encoding.UTF8.GetBytes(Node.Account.ToString());
        AdminProblemException only = await Assert.ThrowsAsync<AdminProblemException>(
            () => answers!.RevokeAsync(body, Cancellation));
        Assert.Contains("only validator", only.Message, StringComparison.Ordinal);
        body[0] ^= 1;
        AdminProblemException other = await Assert.ThrowsAsync<AdminProblemException>(
            () => answers!.RevokeAsync(body, Cancellation));
        Assert.Contains(Node.Account.ToString(), other.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rotate_ToAKeyThatWasANodeKey_IsRefusedBeforeAnythingIsSent()
    {
        await StopAsync();
        await StartAsync(keys! with { NextNode = keys!.Training }); // an administrator's key here
        ulong nonce = Node.State.Accounts[Node.Account].Nonce;
        AdminProblemException used = await Assert.ThrowsAsync<AdminProblemException>(
            () => answers!.RotateAsync(Cancellation));
        Assert.Contains("a key is used once", used.Message, StringComparison.Ordinal);
        Assert.Equal(nonce, Node.State.Accounts[Node.Account].Nonce);
    }

    [Fact]
    public async Task Rotate_OtherValidatorsOutOfReach_IsRefusedBeforeAnythingIsSigned()
    {
        await StopAsync();
        using Ed25519Signer other = Ed25519Signer.FromSeed([.. Enumerable.Repeat((byte)5, 32)]);
        NodeKeys both = keys! with { NextNode = Ed25519Signer.Create(folder.File("later.key")) };
        await StartAsync(both, "pair", other.PublicKey);
        foreach (Func<Task<NodeKeysAnswer>> order in (Func<Task<NodeKeysAnswer>>[])
        [
            () => answers!.RotateAsync(Cancellation),
            () => answers!.RevokeAsync(System.Text.Encoding.UTF8.GetBytes(Node.Account.ToString()), Cancellation),
        ])
        {
            AdminProblemException refused = await Assert.ThrowsAsync<AdminProblemException>(order);
            Assert.Contains("1 of 2 voting power", refused.Message, StringComparison.Ordinal);
        }

        Assert.Equal("steady", answers!.Read().Phase);
    }

    // With another validator, who is nowhere, there are no blocks to wait for.
    private async ValueTask StartAsync(NodeKeys present, string home = "", VerifyingKey? other = null)
    {
        GenesisValidator[] others = other is null ? [] : [new GenesisValidator(other, 1)];
        Directory.CreateDirectory(folder.File(home));
        var problems = new ProblemList();
        GatewayConfiguration configuration = GatewayConfigurationReader.Parse(
            GatewayTemplate.Fill("plant-7", "127.0.0.1:7400", "127.0.0.1:1883"),
            Path.Combine(folder.File(home), "gateway.toml"), problems)!;
        Directory.CreateDirectory(configuration.StateFolder);
        node = await GatewayNode.StartAsync(
            new GatewayNodeOptions
            {
                Folder = configuration.StateFolder,
                Genesis = new Genesis(
                    "plant-7", [new GenesisValidator(keys!.Node.PublicKey, 1), .. others], [keys.Node.PublicKey],
                    [keys.Training.PublicKey]),
                Keys = present,
                Features = configuration.Features,
                Devices = [],
                TrainingDevices = [],
                Timeouts = new ConsensusTimeouts { IdleInterval = TimeSpan.FromMilliseconds(100) },
            },
            onCommitted: null, TimeProvider.System, NullLoggerFactory.Instance, Cancellation);
        node.Connect(new Dictionary<AccountId, System.Net.IPEndPoint>());
        board = GatewayBoard.Open(
            configuration, BoardHardware.OfThisMachine, TimeProvider.System, NullLogger.Instance);
        answers = new KeyAnswers(
            new AdminSource(
                configuration, node, transactions, TimeProvider.System, 0, board, new RecentLog(TimeProvider.System)));
        await node.Chain.WaitForHeightAsync(other is null ? new Height(2) : Height.Genesis, Cancellation);
        while (other is null && !node.IsRegistered) // else its own transactions would come between those of a test
        {
            await node.Chain.WaitForHeightAsync(node.Chain.Height.Next, Cancellation);
        }
    }

    private async Task StopAsync()
    {
        if (node is not null)
        {
            await node.DisposeAsync();
            node = null;
        }

        if (board is not null)
        {
            await board.DisposeAsync();
            board = null;
        }
    }

    private async Task<NodeKeysAnswer> WaitForAsync(string phase)
    {
        for (NodeKeysAnswer now = answers!.Read(); ; now = answers.Read())
        {
            if (now.Phase == phase)
            {
                return now;
            }

            await Node.Chain.WaitForHeightAsync(Node.Chain.Height.Next, Cancellation);
        }
    }
}
