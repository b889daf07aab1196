using FedIoT.Ledger;
using FedIoT.Ledger.Events;
using FedIoT.Wire;

namespace FedIoT.Gateway.Demo;

/// <summary>A round that the chain closed.</summary>
/// <param name="Task">The task after it, with the new model.</param>
/// <param name="Event">What the ledger says about it.</param>
/// <param name="Height">Block that closed it.</param>
/// <param name="Bytes">Transaction bytes of the round.</param>
internal sealed record ClosedRound(TaskState Task, RoundClosed Event, Height Height, long Bytes);
