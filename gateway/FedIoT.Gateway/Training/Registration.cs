using FedIoT.Ledger;
using FedIoT.Wire;
using FedIoT.Wire.Cose;
using FedIoT.Wire.Transactions;
using Microsoft.Extensions.Logging;

namespace FedIoT.Gateway.Training;

/// <summary>
/// Brings a gateway's training key and devices onto the chain: after every block, sends what the committed state
/// does not show yet. One task calls it.
/// </summary>
/// <param name="sender">Signs and submits with the node key.</param>
/// <param name="trainingKey">Public part of the key that signs deltas.</param>
/// <param name="devices">Devices whose samples this gateway trains on.</param>
/// <param name="logger">Tells of refused transactions.</param>
public sealed partial class Registration(
    TransactionSender sender, VerifyingKey trainingKey, IReadOnlyList<DeviceId> devices, ILogger logger)
{
    // A submitted transaction that no block took within so many blocks is sent again.
    private const int ResendBlocks = 20;

    private readonly SortedDictionary<DeviceId, Height> sentDevices = [];
    private Height? sentKey;

    /// <summary>True when the state shows the training key and every device.</summary>
    public bool IsComplete(LedgerState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        return HasKey(state) && devices.All(device => state.Devices.ContainsKey(device));
    }

    /// <summary>Sends what is missing at this height.</summary>
    public async Task OnCommittedAsync(LedgerState state, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(state);
        if (state.FindHolder(sender.Account)?.Has(AccountRoles.Gateway) != true)
        {
            return; // not admitted yet: an administrator does that
        }

        if (!HasKey(state) && IsDue(sentKey, state.Height)
            && await SendAsync(new RegisterTrainingKey(trainingKey), cancellation).ConfigureAwait(false))
        {
            sentKey = state.Height;
        }

        foreach (DeviceId device in devices)
        {
            Height? at = sentDevices.TryGetValue(device, out Height height) ? height : null;
            if (!state.Devices.ContainsKey(device) && IsDue(at, state.Height)
                && await SendAsync(new RegisterDevice(device), cancellation).ConfigureAwait(false))
            {
                sentDevices[device] = state.Height;
            }
        }
    }

    private static bool IsDue(Height? sent, Height now) => sent is not { } at || now.Value - at.Value >= ResendBlocks;

    private bool HasKey(LedgerState state) =>
        trainingKey.Equals(state.Accounts.GetValueOrDefault(sender.Account)?.TrainingKey);

    private async Task<bool> SendAsync(TransactionBody body, CancellationToken cancellation)
    {
        string? reason = await sender.SendAsync(body, cancellation).ConfigureAwait(false);
        if (reason is not null)
        {
            Log.Refused(logger, body.Type, reason);
        }

        return reason is null;
    }

    private static partial class Log
    {
        [LoggerMessage(
            EventId = 3101, Level = LogLevel.Warning,
            Message = "The node refused {Type}: {Reason}. It is sent again after the next block.")]
        public static partial void Refused(ILogger logger, TransactionType type, string reason);
    }
}
