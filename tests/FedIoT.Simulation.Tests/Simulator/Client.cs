using FedIoT.Ledger;
using FedIoT.Wire;
using FedIoT.Wire.Cose;
using FedIoT.Wire.Transactions;

namespace FedIoT.Simulation;

/// <summary>
/// A gateway's software beside an honest node: hands in transactions, one after the other, and hands in again only what
/// its node may have lost by dying. What a node accepted and did not die with must get into the chain.
/// </summary>
internal sealed class Client(World world, SimulatedNode node)
{
    private const int TransactionsMax = 6;
    private readonly List<(byte[] Bytes, int AcceptedBy)> sent = []; // nonce - 1 is the position

    /// <summary>True until all its transactions are in the chain of every honest node.</summary>
    public bool IsWaiting => world.Honest.Any(
        n => !n.IsUp || n.Application!.Committed.Accounts[node.Account].Nonce < TransactionsMax);

    private int rotations; // of the transactions made so far

    private ulong Nonce => node.Application!.Committed.Accounts[node.Account].Nonce;

    public void Start() => world.At(50 + world.Random(400), Step);

    /// <summary>The next transaction of the node's account.</summary>
    public byte[] Make(ulong nonce)
    {
        SimulatedSigner signer = node.Keys[rotations];
        byte[] payload = TransactionCodec.EncodePayload(World.ChainId, nonce, Body(nonce, signer));
        return CoseSign1.Assemble(signer.PublicKey, payload, signer.Sign(
            CoseSign1.SignBytes(signer.PublicKey, TransactionCodec.Role, payload)));
    }

    private void Step()
    {
        for (int i = 0; node.IsUp && i < sent.Count; i++)
        {
            if (sent[i].AcceptedBy != node.Incarnation && i >= (int)Nonce)
            {
                Submit(i);
            }
        }

        if (sent.Count < TransactionsMax && node.IsUp)
        {
            sent.Add((Make((ulong)sent.Count + 1), -1));
            Submit(sent.Count - 1);
        }

        if (!world.IsHealed || IsWaiting)
        {
            world.At(150 + world.Random(700), Step);
        }
    }

    private void Submit(int index)
    {
        if (node.Submit(sent[index].Bytes) is null or "the transaction waits already")
        {
            sent[index] = (sent[index].Bytes, node.Incarnation);
        }
    }

    private VotePower Vote(int number)
    {
        (int candidate, long power) = world.Scenario.Vote(number);
        return new VotePower(SimulatedSigner.All[candidate].PublicKey.Account, power);
    }

    // Two changes of the key between devices and votes, and at the end perhaps the end of the key.
    private TransactionBody Body(ulong nonce, SimulatedSigner signer)
    {
        if (nonce is 2 or 5 && rotations + 1 < node.Keys.Count && IsInForce(signer))
        {
            SimulatedSigner next = node.Keys[++rotations];
            byte[] proof = next.Sign(RotateNodeKey.ProofSignBytes(
                World.ChainId, node.Account, signer.PublicKey, next.PublicKey, nonce));
            return new RotateNodeKey(next.PublicKey, proof);
        }

        return nonce == TransactionsMax && world.MayRevoke(node) ? new RevokeNodeKey()
            : world.Scenario.Joiners > 0 && node.Key < world.Scenario.Powers.Count && nonce % 2 == 1
                ? Vote((int)(nonce / 2))
            : new RegisterDevice(new DeviceId($"d-{node.Key}-{nonce}"));
    }

    // The ledger refuses a change before the one before holds.
    private bool IsInForce(SimulatedSigner key)
    {
        LedgerState state = node.Application!.Committed;
        Account account = state.Accounts[node.Account];
        return account.Key.Equals(key.PublicKey) && account.KeySince <= state.Height.Next;
    }
}
