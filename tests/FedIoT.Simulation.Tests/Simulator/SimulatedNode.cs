using FedIoT.Consensus;
using FedIoT.Gateway.Application;
using FedIoT.Gateway.Chain;
using FedIoT.Gateway.Chain.Peering;
using FedIoT.Gateway.Chain.Sync;
using FedIoT.Storage.Chain;
using FedIoT.Storage.Files;
using FedIoT.Wire;
using Microsoft.Extensions.Logging.Abstractions;

namespace FedIoT.Simulation;

/// <summary>
/// A node of the product, its core, border, stores and ledger, with the world in place of sockets, timers and disk.
/// Dies and starts again; only its disk stays.
/// </summary>
internal sealed class SimulatedNode : IChainNodeShell
{
    // Small, so that segments are begun and deleted all the time.
    private const int SegmentBytes = 4_096;

    private readonly World world;
    private readonly SimulatedSigner signer;
    private readonly Attacker? attacker;
    private SimulatedDisk disk = new();
    private NodeSigners? signers;
    private ChainNodeCore? core;
    private ChainNodeBorder? border;
    private readonly List<IDisposable> open = [];
    private int incarnation;
    private int timerGeneration;
    private long signerFreeAt;

    public SimulatedNode(World world, int id, int key, Attack? attack)
    {
        this.world = world;
        Id = id;
        Key = key;
        signer = SimulatedSigner.All[key];
        Keys = world.Scenario.HasKeyChanges && attack is null
            ? [signer, .. SimulatedSigner.Spares[key]]
            : [signer];
        attacker = attack is { } kind ? new Attacker(world, this, kind) : null;
        Clock = new SimulatedClock(() => world.NowMs);
    }

    public int Id { get; }

    /// <summary>Position of its key among all.</summary>
    public int Key { get; }

    /// <summary>Its account, whatever key it has.</summary>
    public AccountId Account => signer.PublicKey.Account;

    /// <summary>Its name among peers: the key that it has now.</summary>
    public AccountId Name => signers?.Self ?? Account;

    public SimulatedSigner Signer => signer;

    /// <summary>The node keys that it may have, one after the other.</summary>
    public IReadOnlyList<SimulatedSigner> Keys { get; }

    public bool IsHonest => attacker is null;

    public bool IsUp => core is not null;

    public SimulatedClock Clock { get; }

    public ChainNodeCore? Core => core;

    public LedgerApplication? Application { get; private set; }

    public BlockStore? Store { get; private set; }

    public IReadOnlyList<SignStateLog> SignStates { get; private set; } = [];

    public int Incarnation => incarnation;

    /// <summary>For the next lives: the operation at which each ends.</summary>
    public Queue<int> LaterCuts { get; } = new();

    /// <summary>Highest block that it had committed in any of its lives.</summary>
    public long HighestCommitted { get; set; }

    /// <summary>What it was told when its disk was lost.</summary>
    public TrustedBlock? Trusted { get; private set; }

    public SimulatedDisk Disk => disk;

    public int ConnectedPeers => world.Nodes.Count(n => n.IsUp) - 1;

    public string Where => $"node {Id}{(IsHonest ? string.Empty : $" ({attacker!.Kind})")}: "
        + (core is null ? "down" : $"chain {core.Executor.Head.Height}, {core.Where}, waiting {core.Mempool.Count}");

    /// <summary>Starts a process on the present disk.</summary>
    public void Start()
    {
        if (IsUp)
        {
            return;
        }

        incarnation++;
        timerGeneration++;
        signerFreeAt = world.NowMs;
        Guard(() =>
        {
            SignStates = [.. Keys.Select(k => SignStateLog.Open(
                disk, $"/sign/{k.PublicKey.Account}", k.PublicKey.Account, SegmentBytes))];
            open.AddRange(SignStates);
            Store = BlockStore.Open(disk, "/blocks", SegmentBytes);
            open.Add(Store);
            Application = new LedgerApplication(world.Genesis, OpenSnapshots());
            ChainNodeOptions options = world.Options with
            {
                OnCommitted = b => world.Record.OnCommitted(this, b),
                VotesAtOnce = !IsHonest,
                Trusted = Trusted,
                RetainedBlocks = ((world.Scenario.Pruning >> Id) & 1) == 0 ? null : world.Scenario.RetainedBlocks,
            };
            SnapshotDownload? download = Trusted is null ? null : SnapshotDownload.Open(disk, "/incoming");
            open.AddRange(download is null ? [] : [download]);
            signers = new NodeSigners(
                [.. Keys.Zip(SignStates, (k, s) => ((ISigner)k, new VotingKey(k, s, World.ChainId)))]);
            ChainNodeCore made = core = new ChainNodeCore(
                options, Application, signers, Store, world.Verified, this, Clock, NullLogger.Instance, download);
            border = new ChainNodeBorder(
                options, core.Executor, Store, world.Verified, core.Snapshots, () => made.IsJoining);
            core.Executor.Replay();
            world.Record.OnStarted(this);
            core.Start();
            ScheduleTick(incarnation);
            world.Connect(this);
        });
    }

    /// <summary>Dies: the power is cut, or only the process killed.</summary>
    public void Crash(bool isPowerCut)
    {
        Stop();
        disk = isPowerCut ? disk.AfterPowerCut(world.Next()) : disk.AfterKill();
        if (attacker?.Kind == Attack.Amnesia)
        {
            disk = new SimulatedDisk();
        }

        disk.CutAt = LaterCuts.TryDequeue(out int cut) ? cut : 0;
    }

    /// <summary>Its disk is lost; it begins anew, told of a block that was decided.</summary>
    public void Wipe(TrustedBlock? trusted)
    {
        Stop();
        disk = new SimulatedDisk();
        HighestCommitted = 0;
        Trusted = trusted;
        world.RestartLater(this);
    }

    /// <summary>Its operator names another trusted block and starts it again.</summary>
    public void Trust(TrustedBlock block)
    {
        Stop();
        disk = disk.AfterKill();
        Trusted = block;
        Start();
    }

    /// <summary>A copy of its disk, for <see cref="PutBack"/>.</summary>
    public SimulatedDisk Backup() => disk.AfterKill();

    /// <summary>Ends, and starts again from a copy of its disk of an earlier time.</summary>
    public void PutBack(SimulatedDisk backup)
    {
        Stop();
        disk = backup.AfterKill();
        HighestCommitted = 0;
        world.RestartLater(this);
    }

    /// <summary>The same key elsewhere, or nobody.</summary>
    public void Receive(SimulatedNode from, in Frame frame)
    {
        if (core is null)
        {
            return;
        }

        Frame received = frame;
        attacker?.OnReceived(frame);
        Guard(() => Handle(from, received));
    }

    /// <summary>A client hands in a transaction here.</summary>
    public string? Submit(byte[] transaction)
    {
        string? refusal = "down";
        Guard(() =>
        {
            refusal = core?.TryAdmit(transaction);
            core?.Take(new NodeInput.TransactionsWait());
        });
        return IsUp ? refusal : "down";
    }

    /// <summary>A connection to a peer is there.</summary>
    public void OnConnected(SimulatedNode peer) => Guard(() => core?.Take(new NodeInput.PeerConnected(peer.Name)));

    bool IChainNodeShell.Send(AccountId peer, in Frame frame)
    {
        foreach (SimulatedNode to in world.Nodes)
        {
            if (to.Keys.Any(k => k.PublicKey.Account == peer) && to != this)
            {
                SendTo(to, frame);
            }
        }

        return true;
    }

    void IChainNodeShell.Broadcast(in Frame frame)
    {
        foreach (SimulatedNode to in world.Nodes)
        {
            if (to.Account != Account)
            {
                SendTo(to, frame);
            }
        }
    }

    void IChainNodeShell.Disconnect(AccountId peer, DisconnectReason reason) => world.Check(
        world.Nodes.Exists(n => n.Name == peer && !n.IsHonest),
        () => $"node {Id} blames an honest node for {reason}");

    // Whole proposals: how a compact one is completed is a matter of the sockets' side.
    void IChainNodeShell.Announce(SignedProposal proposal) =>
        ((IChainNodeShell)this).Broadcast(new Frame(FrameType.Proposal, proposal.Encode()));

    IReadOnlyList<Hash256>? IChainNodeShell.TransactionHashesOf(Hash256 blockHash) => null;

    void IChainNodeShell.Schedule(TimeSpan after, NodeInput input)
    {
        int expected = timerGeneration;
        int life = incarnation;
        world.At((long)Math.Ceiling(after.TotalMilliseconds), () =>
        {
            if (timerGeneration == expected && incarnation == life)
            {
                Guard(() => core?.Take(input));
            }
        });
    }

    void IChainNodeShell.ForgetTimers() => timerGeneration++;

    bool IChainNodeShell.TryRequestSignature(ConsensusAction request)
    {
        int life = incarnation;
        int takes = world.Scenario.SignMs ?? world.Random(world.Scenario.SignMsMax + 1);
        signerFreeAt = Math.Max(signerFreeAt, world.NowMs) + takes;
        world.At(signerFreeAt - world.NowMs, () =>
        {
            if (incarnation == life)
            {
                Guard(() => Sign(request));
            }
        });
        return true;
    }

    void IChainNodeShell.OnKeyChanged(ISigner signer)
    {
        // Its name changes with it; connections outlive the key here, so it is greeted anew.
        world.Connect(this);
    }

    void IChainNodeShell.OnCommitted(CommittedBlock block)
    {
        // The record heard it through the options, replayed blocks too.
    }

    // Written at once: the simulation has one thread.
    private SnapshotWriter? OpenSnapshots() => world.Scenario.SnapshotBlocks == 0 ? null : new SnapshotWriter(
        SnapshotStore.Open(disk, "/snapshots", keptMax: 2), world.Scenario.SnapshotBlocks, NullLogger.Instance,
        write =>
        {
            write();
            return Task.CompletedTask;
        });

    private void Sign(ConsensusAction request)
    {
        NodeInput? answer = core?.Sign(request);
        if (answer is NodeInput.Consensus { Event: { } signed })
        {
            world.Record.OnSigned(this, signed);
            core?.Take(answer);
        }
    }

    private void Handle(SimulatedNode from, Frame frame)
    {
        if (frame.Type == FrameType.Transaction)
        {
            if (core!.Mempool.TryAdd(frame.Payload, isLocal: false) is null)
            {
                core.Take(new NodeInput.TransactionsWait());
            }

            return;
        }

        NodeInput? input = null;
        bool SendBack(Frame answer) => ((IChainNodeShell)this).Send(from.Name, answer);
        DisconnectReason problem = frame.Type switch
        {
            FrameType.BlockRequest => border!.ServeBlocks(frame.Payload, () => true, SendBack, out _),
            FrameType.SnapshotRequest or FrameType.ChunkRequest =>
                border!.ServeSnapshot(frame, _ => { }, SendBack, out _),
            _ => border!.Read(from.Name, frame, out input),
        };
        bool isGood = problem == DisconnectReason.None;
        world.Check(isGood || !from.IsHonest, () => $"node {Id} refuses a {frame.Type} of the honest node {from.Id}");
        if (input is not null)
        {
            core!.Take(input);
        }
    }

    private void SendTo(SimulatedNode to, in Frame frame)
    {
        if (attacker is null)
        {
            world.Transmit(this, to, frame);
        }
        else
        {
            attacker.Send(to, frame);
        }
    }

    private void ScheduleTick(int life)
    {
        world.At((long)world.Options.StallInterval.TotalMilliseconds, () =>
        {
            if (incarnation == life && IsUp)
            {
                Guard(() => core?.Take(new NodeInput.Tick()));
                ScheduleTick(life);
            }
        });
    }

    // What ends the process: the disk. Everything else that an honest node throws is a finding.
    private void Guard(Action action)
    {
        int life = incarnation;
        try
        {
            action();
        }
        catch (PowerCutException)
        {
            Crash(isPowerCut: world.Random(2) == 0);
            world.RestartLater(this);
        }
        catch (StorageException e)
        {
            world.Check(disk.HasFailed && life == incarnation, () => $"node {Id}: {e.Message}");
            Crash(isPowerCut: false);
            world.RestartLater(this);
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException && !IsHonest)
        {
            Crash(isPowerCut: false); // its own lies confused it
            disk = new SimulatedDisk();
            world.RestartLater(this);
        }
    }

    private void Stop()
    {
        incarnation++;
        timerGeneration++;
        core?.Snapshots.Dispose();
        core = null;
        border = null;
        open.ForEach(o => o.Dispose());
        open.Clear();
    }
}
