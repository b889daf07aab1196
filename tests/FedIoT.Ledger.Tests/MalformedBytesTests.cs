using FedIoT.Wire;
using FedIoT.Wire.Cose;
using FedIoT.Wire.Transactions;

namespace FedIoT.Ledger.Tests;

/// <summary>Hostile bytes in blocks: nothing throws, nothing changes. The seed stands in each message.</summary>
public sealed class MalformedBytesTests
{
    private const ulong Seed = 0xFED107;

    [Fact]
    public void Execute_RandomBytes_ChangeNothing()
    {
        TestChain chain = new TestChain().ToRoundOne();
        var random = new SplitMix64(Seed);
        var cache = new VerifiedSignatures();
        for (int i = 0; i < 2000; i++)
        {
            var bytes = new byte[random.Next(300)];
            for (int b = 0; b < bytes.Length; b++)
            {
                bytes[b] = (byte)random.Next(256);
            }

            CheckUnchanged(chain, bytes, cache, $"seed {Seed:x}, case {i}");
        }
    }

    [Fact]
    public void Execute_ValidTransactionsCutOrFlipped_ChangeNothing()
    {
        TestChain chain = new TestChain().ToRoundOne();
        var cache = new VerifiedSignatures();
        byte[] delta = chain.Delta(0, 0, chain.RandomValues(1));
        byte[][] valid =
        [
            chain.Gateways[0].Sign(chain.Commitment(delta), chain.State.Accounts[chain.Gateways[0].Id].Nonce + 1),
            chain.Gateways[1].Sign(chain.Reveal(delta), chain.State.Accounts[chain.Gateways[1].Id].Nonce + 1),
            chain.Gateways[2].Sign(chain.Statistics(2), chain.State.Accounts[chain.Gateways[2].Id].Nonce + 1),
            chain.Admin.Sign(new RegisterGateway(new TestKey(9).Public), 2),
        ];
        foreach (byte[] transaction in valid)
        {
            for (int i = 0; i < transaction.Length; i++)
            {
                CheckUnchanged(chain, transaction[..i], cache, $"cut at {i}");
                byte[] flipped = [.. transaction];
                flipped[i] ^= (byte)(1 << (i % 8));
                CheckUnchanged(chain, flipped, cache, $"bit {i % 8} of byte {i}");
            }

            CheckUnchanged(chain, [.. transaction, 0], cache, "one byte more");
        }
    }

    [Fact]
    public void Decode_SignedDeltasCutOrFlipped_NeverVerify()
    {
        TestChain chain = new TestChain().ToRoundOne();
        byte[] delta = chain.Delta(0, 0, chain.RandomValues(1));
        for (int i = 0; i < delta.Length; i++)
        {
            Assert.False(SignedDelta.TryDecode(delta.AsMemory(0, i), out _));
            byte[] flipped = [.. delta];
            flipped[i] ^= (byte)(1 << (i % 8));
            Assert.False(SignedDelta.TryDecode(flipped, out SignedDelta? read)
                && read!.Message.Verify(chain.Training[0].Public, SignedDelta.Role));
        }
    }

    private static void CheckUnchanged(TestChain chain, byte[] bytes, VerifiedSignatures cache, string what)
    {
        Assert.True(chain.State.CheckTransaction(bytes, cache) is not null, what);
        (LedgerState next, BlockOutcome outcome) = chain.State.Execute(
            chain.State.Height.Next, chain.Validator.Id, [bytes], cache);
        Assert.True(outcome.Rejections[0] is < RejectionReason.NotAdministrator, what);
        Assert.True(chain.State.StateRoot == next.StateRoot, what);
    }
}
