using FedIoT.Wire;

namespace FedIoT.Ledger.Events;

/// <summary>A device has an owner.</summary>
/// <param name="Device">Which.</param>
/// <param name="Gateway">Its owner.</param>
public sealed record DeviceRegistered(DeviceId Device, AccountId Gateway) : LedgerEvent;
