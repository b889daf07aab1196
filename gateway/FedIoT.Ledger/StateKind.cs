namespace FedIoT.Ledger;

/// <summary>First byte of a state key.</summary>
internal enum StateKind : byte
{
    Chain = 0,
    Account = 1,
    Device = 2,
    Task = 3,
    Progress = 4,
    Statistics = 5,
    Fault = 6,
    Version = 7,
    Ballot = 8,
    NodeKey = 16,
}
