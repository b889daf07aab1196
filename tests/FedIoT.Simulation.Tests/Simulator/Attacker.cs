using FedIoT.Consensus;
using FedIoT.Gateway.Chain;
using FedIoT.Gateway.Chain.Peering;
using FedIoT.Wire;

namespace FedIoT.Simulation;

/// <summary>Stands between a Byzantine node and the network: what the node would say, and what is said.</summary>
internal sealed class Attacker(World world, SimulatedNode node, Attack kind)
{
    private const int FramesKeptMax = 64;

    private readonly List<Frame> old = [];
    private readonly Dictionary<long, Block> otherBlocks = [];

    public Attack Kind => kind;

    public void OnReceived(in Frame frame)
    {
        if (kind is Attack.Replay or Attack.Equivocate && frame.Type is not FrameType.BlockResponse)
        {
            if (old.Count < FramesKeptMax)
            {
                old.Add(frame);
            }
            else
            {
                old[world.Random(FramesKeptMax)] = frame;
            }
        }
    }

    public void Send(SimulatedNode to, in Frame frame)
    {
        switch (frame.Type)
        {
            case FrameType.Vote when SignedVote.TryDecode(frame.Payload, out SignedVote? vote)
                && vote!.Vote.Validator == node.Account:
                SendVote(to, vote, frame);
                break;
            case FrameType.Proposal when SignedProposal.TryDecode(frame.Payload, out SignedProposal? proposal):
                SendProposal(to, proposal!, frame);
                break;
            default:
                SendOther(to, frame);
                break;
        }
    }

    private void SendVote(SimulatedNode to, SignedVote vote, in Frame frame)
    {
        Vote v = vote.Vote;
        switch (kind)
        {
            case Attack.Silent when v.Height.Value % 3 != 0:
                return;
            case Attack.Withhold when !IsChosen(to, v.Height, v.Round, (int)v.Type):
                return;
            case Attack.Equivocate when IsChosen(to, v.Height, 0, 0):
                Transmit(to, Resign(v with { BlockHash = OtherHash(v) }));
                return;
            case Attack.DoubleVote:
                Transmit(to, Resign(v with { BlockHash = OtherHash(v) }));
                break;
            case Attack.InvalidBlock when world.Record.AnyBlock(v.Height, v.Round) is { } any:
                Transmit(to, Resign(v with { BlockHash = any }));
                return;
            default:
                break;
        }

        world.Record.OnByzantineVote(vote);
        world.Transmit(node, to, frame);
    }

    private void SendProposal(SimulatedNode to, SignedProposal proposal, in Frame frame)
    {
        Proposal p = proposal.Proposal;
        bool isOwnNew = p.PolRound < 0 && p.Proposer == node.Account;
        switch (kind)
        {
            case Attack.Silent:
                return;
            case Attack.Withhold when !IsChosen(to, p.Height, p.Round, 3):
                return;
            case Attack.Equivocate when isOwnNew && IsChosen(to, p.Height, 0, 0):
            case Attack.DoubleVote when isOwnNew && IsChosen(to, p.Height, p.Round, 0):
                Transmit(to, p.Round, OtherBlock(proposal.Block));
                return;
            case Attack.InvalidBlock when isOwnNew && world.Random(4) > 0:
                Transmit(to, p.Round, Break(proposal.Block, p.Round));
                return;
            default:
                world.Transmit(node, to, frame);
                return;
        }
    }

    private void SendOther(SimulatedNode to, in Frame frame)
    {
        if (kind == Attack.Replay && old.Count > 0 && world.Random(2) == 0)
        {
            world.Transmit(node, to, old[world.Random(old.Count)]);
        }

        if (frame.Type is FrameType.SnapshotManifest or FrameType.SnapshotChunk && world.Random(2) == 0)
        {
            byte[] bytes = frame.Payload.ToArray();
            bytes[world.Random(bytes.Length)] ^= (byte)(1 << world.Random(8));
            world.Transmit(node, to, new Frame(frame.Type, bytes));
            return;
        }

        if (kind == Attack.InvalidBlock && frame.Type == FrameType.BlockResponse)
        {
            byte[] bytes = frame.Payload.ToArray();
            bytes[world.Random(bytes.Length)] ^= 1; // a peer is not trusted for what it serves
            world.Transmit(node, to, new Frame(frame.Type, bytes));
            return;
        }

        if (kind != Attack.Silent || frame.Type is not (FrameType.Vote or FrameType.Transaction))
        {
            world.Transmit(node, to, frame);
        }
    }

    // The same part of the others for all that belongs together, so that views differ for long.
    private bool IsChosen(SimulatedNode to, Height height, int round, int what)
    {
        var draw = SplitMix64.For(
            world.Scenario.Seed + (ulong)node.Id, unchecked((ulong)(height.Value << 24) + (ulong)((round * 8) + what)));
        return ((draw.Next() >> to.Id) & 1) == 0;
    }

    private Hash256 OtherHash(Vote vote)
    {
        Hash256 other = world.Random(4) == 0
            ? Hash256.Zero
            : world.Record.AnyBlock(vote.Height, vote.Round) ?? Hash256.Zero;
        return other != vote.BlockHash ? other : vote.BlockHash.IsZero ? Hash256.Of("?"u8) : Hash256.Zero;
    }

    private Block OtherBlock(Block block)
    {
        if (!otherBlocks.TryGetValue(block.Header.Height.Value, out Block? other)
            || other.Header.PreviousBlockHash != block.Header.PreviousBlockHash)
        {
            BlockHeader header = block.Header with { Time = block.Header.Time + 1 };
            other = Block.Create(header, block.Transactions, block.LastCommit);
            otherBlocks[block.Header.Height.Value] = other;
        }

        return other;
    }

    // One block for each round, whoever asks: what is wrong with it differs.
    private static Block Break(Block block, int round)
    {
        BlockHeader header = block.Header;
        return ((header.Height.Value + round) % 4) switch
        {
            0 => Block.Create(header, [.. block.Transactions, new byte[] { 255, 1, 2 }], block.LastCommit),
            1 => Block.Create(header with { StateRoot = Hash256.Of("wrong"u8) }, block.Transactions, block.LastCommit),
            2 => Block.Create(header with { Time = 0 }, block.Transactions, block.LastCommit),
            _ => Block.Create(
                header, block.Transactions, block.LastCommit is { } commit
                    ? commit with { Signatures = [.. commit.Signatures.Take(1)] }
                    : null),
        };
    }

    private SignedVote Resign(Vote vote) =>
        new(vote, node.Signer.Sign(vote.SignBytes(World.ChainId, node.Signer.PublicKey)));

    private void Transmit(SimulatedNode to, SignedVote vote)
    {
        world.Record.OnByzantineVote(vote);
        world.Transmit(node, to, new Frame(FrameType.Vote, vote.Encode()));
    }

    private void Transmit(SimulatedNode to, int round, Block block)
    {
        var proposal = new Proposal(block.Header.Height, round, PolRound: -1, block.Hash, node.Account);
        byte[] signature = node.Signer.Sign(proposal.SignBytes(World.ChainId, node.Signer.PublicKey));
        var signed = new SignedProposal(proposal, signature, block);
        world.Record.OnProposal(signed);
        world.Transmit(node, to, new Frame(FrameType.Proposal, signed.Encode()));
    }
}
