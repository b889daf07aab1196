using System.Security.Cryptography;
using System.Text;
using FedIoT.Gateway.Admin;
using FedIoT.Gateway.Cli;
using FedIoT.Gateway.Operate;
using FedIoT.Gateway.Tests.Operate;
using FedIoT.Signing;
using FedIoT.Wire;
using FedIoT.Wire.Cose;
using FedIoT.Wire.Transactions;
using Xunit;

namespace FedIoT.Faults.Tests.Rig;

/// <summary>
/// An administrator beside one gateway: signs transactions, hands them in there, and hands in again only what a dead
/// process took with it. What a process accepted and did not die with must get into the chain.
/// </summary>
internal sealed class TransactionClient
{
    private const int OutstandingMax = 4;
    private const int NotAccepted = 0; // lives count from 1
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(400);
    private static readonly TimeSpan FinishMax = TimeSpan.FromSeconds(60);

    private readonly FaultNetwork network;
    private readonly int index;
    private readonly Ed25519Signer signer;
    private readonly LinkedList<Sent> outstanding = [];
    private ulong nonce;

    public TransactionClient(FaultNetwork network, int index)
    {
        this.network = network;
        this.index = index;
        signer = Ed25519Signer.FromSeed(SHA256.HashData(Encoding.UTF8.GetBytes($"client {index}")));
    }

    public VerifyingKey PublicKey => signer.PublicKey;

    /// <summary>Transactions that are in blocks.</summary>
    public int Confirmed { get; private set; }

    private GatewayProcess Gateway => network.Gateways[index];

    /// <summary>Hands in a transaction now and then until told to stop.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(Interval);
        try
        {
            while (await timer.WaitForNextTickAsync(stop))
            {
                await ConfirmAsync();
                await HandInAgainAsync();
                if (outstanding.Count < OutstandingMax)
                {
                    outstanding.AddLast(Make());
                    await HandInAsync(outstanding.Last!.Value);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // the faults are over
        }
    }

    /// <summary>Waits until all is in. Nothing that this process accepted is handed in again.</summary>
    public async Task FinishAsync() => await network.WaitUntilAsync(
        async () =>
        {
            await ConfirmAsync();
            await HandInAgainAsync();
            return outstanding.Count == 0;
        },
        FinishMax,
        $"all accepted transactions of client {index} in blocks (has {Confirmed}, misses {outstanding.Count})");

    private async Task ConfirmAsync()
    {
        while (outstanding.First is { } oldest
            && await network.ReadAsync(
                index, $"v1/chain/transactions/{oldest.Value.Hash}", AdminJson.Default.TransactionAnswer) is { } found)
        {
            Assert.Equal("applied", found.Result);
            outstanding.RemoveFirst();
            Confirmed++;
        }
    }

    private async Task HandInAgainAsync()
    {
        foreach (Sent sent in outstanding.Where(s => s.AcceptedBy != Gateway.Starts).ToArray())
        {
            await HandInAsync(sent);
        }
    }

    private async Task HandInAsync(Sent sent)
    {
        int life = Gateway.Starts;
        using var client = new AdminClient(Gateway.Socket, "test");
        try
        {
            await client.PostAsync("v1/chain/transactions", sent.Bytes, TestContext.Current.CancellationToken);
            sent.AcceptedBy = life;
        }
        catch (RunFailedException e) when (e.Message.Contains("already", StringComparison.Ordinal))
        {
            sent.AcceptedBy = life; // gossip had brought it back
        }
        catch (Exception e) when (e is InputException or RunFailedException)
        {
            sent.AcceptedBy = NotAccepted;
        }
    }

    // Admits a gateway that nobody has; what it does to the state matters less than that it is there.
    private Sent Make()
    {
        nonce++;
        using Ed25519Signer admitted =
            Ed25519Signer.FromSeed(SHA256.HashData(Encoding.UTF8.GetBytes($"gateway {index} {nonce}")));
        byte[] payload =
            TransactionCodec.EncodePayload(FaultNetwork.ChainId, nonce, new RegisterGateway(admitted.PublicKey));
        var signature = new byte[VerifyingKey.SignatureLength];
        signer.Sign(CoseSign1.SignBytes(signer.PublicKey, TransactionCodec.Role, payload), signature);
        return new Sent(CoseSign1.Assemble(signer.PublicKey, payload, signature));
    }

    private sealed class Sent(byte[] bytes)
    {
        public byte[] Bytes { get; } = bytes;

        public Hash256 Hash { get; } = Hash256.Of(bytes);

        /// <summary>Life of the process that accepted it.</summary>
        public int AcceptedBy { get; set; } = NotAccepted;
    }
}
