using FedIoT.Consensus;
using FedIoT.Gateway.Ingest;
using FedIoT.Gateway.Node;
using FedIoT.Ledger;
using FedIoT.Signing;
using FedIoT.Storage.Files;
using FedIoT.Wire;

namespace FedIoT.Gateway.Configuration;

/// <summary>What a configuration refers to, opened: genesis, keys, devices. Dispose closes the keys.</summary>
internal sealed class GatewayResources : IDisposable
{
    private const int GenesisBytesMax = 1 << 20;

    private GatewayResources(Genesis genesis, NodeKeys keys, IReadOnlyList<EnrolledDevice> devices)
    {
        Genesis = genesis;
        Keys = keys;
        Devices = devices;
    }

    public Genesis Genesis { get; }

    public NodeKeys Keys { get; }

    public IReadOnlyList<EnrolledDevice> Devices { get; }

    /// <summary>Opens everything; null with the problems, each at the place that refers to it.</summary>
    /// <param name="configuration">What refers to it.</param>
    /// <param name="mayBeAway">A key in hardware that an earlier start knew need not be there now.</param>
    /// <param name="time">Clock of the keys.</param>
    /// <param name="problems">Gets what is wrong.</param>
    public static GatewayResources? Open(
        GatewayConfiguration configuration, bool mayBeAway, TimeProvider time, ProblemList problems)
    {
        KnownKeys? known = mayBeAway ? new KnownKeys(configuration.StateFolder) : null;
        Genesis? genesis = OpenGenesis(configuration, problems);
        WatchedSigner? node = OpenKey(configuration.NodeKey, known, time, problems);
        WatchedSigner? next = configuration.NextNodeKey is { } other ? OpenKey(other, known, time, problems) : null;
        WatchedSigner? training = OpenKey(configuration.TrainingKey, known, time, problems);
        if (genesis is not null && node is not null)
        {
            CheckMembership(configuration, genesis, node, problems);
        }

        if (next is not null && next.PublicKey.Equals(node?.PublicKey))
        {
            problems.Add(configuration.NextNodeKey!.Place, "[keys] next_node is the same key as [keys] node");
        }

        if (training is not null && training.PublicKey.Equals(node?.PublicKey))
        {
            problems.Add(
                configuration.TrainingKey.Place,
                "[keys] training is the same key as [keys] node; 'fediot keys create' makes another one");
        }

        var devices = new List<EnrolledDevice>();
        foreach (GatewayConfiguration.DeviceEntry device in configuration.Devices)
        {
            if (DeviceKeyFile.Read(device.Key.Path, out string problem) is { } key)
            {
                devices.Add(new EnrolledDevice(device.Id, key));
            }
            else
            {
                problems.Add(device.Key.Place, problem);
            }
        }

        if (problems.IsEmpty)
        {
            var keys = new NodeKeys(node!, training!)
            {
                NextNode = next,
                NodeWatch = node,
                NextWatch = next,
                TrainingWatch = training,
                TrainingFile = configuration.TrainingKey.Address.FilePath,
                TrainingPassphrase = configuration.TrainingKey.Address.Passphrase,
            };
            return new GatewayResources(genesis!, keys, devices);
        }

        node?.Dispose();
        next?.Dispose();
        training?.Dispose();
        return null;
    }

    public void Dispose() => Keys.Dispose();

    private static Genesis? OpenGenesis(GatewayConfiguration configuration, ProblemList problems)
    {
        FileReference file = configuration.Genesis;
        try
        {
            byte[]? bytes = DurableFile.ReadAllBytesBounded(file.Path, GenesisBytesMax);
            if (bytes is null)
            {
                problems.Add(file.Place, $"there is no genesis file {file.Path}; 'fediot chain genesis' makes one");
                return null;
            }

            if (!Genesis.TryDecode(bytes, out Genesis? genesis))
            {
                problems.Add(file.Place, $"{file.Path} is not a genesis file, or it was damaged");
                return null;
            }

            if (genesis!.ChainId != configuration.ChainId)
            {
                problems.Add(
                    file.Place, $"{file.Path} is the genesis of chain '{genesis.ChainId}', [chain] id is "
                    + $"\"{configuration.ChainId}\": expected the same");
            }

            return genesis;
        }
        catch (StorageException e)
        {
            problems.Add(file.Place, e.Message);
            return null;
        }
    }

    private static WatchedSigner? OpenKey(
        KeyReference reference, KnownKeys? known, TimeProvider time, ProblemList problems)
    {
        try
        {
            return WatchedSigner.Open(reference.Address, known?.Find(reference.Address), time);
        }
        catch (SignerException e)
        {
            problems.Add(
                reference.Place, known is not null && reference.Address.IsHardware
                    ? $"{e.Message} This gateway has not seen the key yet; it starts without it once it has"
                    : e.Message);
            return null;
        }
        catch (StorageException e)
        {
            problems.Add(reference.Place, e.Message);
            return null;
        }
    }

    // A gateway that joins later is in no genesis: it follows the peers that it is told, until it is voted in.
    private static void CheckMembership(
        GatewayConfiguration configuration, Genesis genesis, WatchedSigner node, ProblemList problems)
    {
        AccountId self = node.PublicKey.Account;
        if (genesis.Validators.All(v => v.Key.Account != self)
            && configuration.Peers.All(p => p.Account == self))
        {
            problems.Add(
                configuration.NodeKey.Place,
                $"account {self} of this node key is no validator of the genesis, and there is no [[chain.peer]] to "
                + "follow: name one, or give its gateway.pub.toml to 'fediot chain genesis'");
        }
    }
}
