namespace FedIoT.Ledger.Aggregation;

/// <summary>
/// One width of vectors, so that a kernel is written once. All operations are exact on integers: the width changes
/// the speed, never a number.
/// </summary>
/// <typeparam name="TVector">The vector type.</typeparam>
/// <typeparam name="TLane">Its lanes, one column each.</typeparam>
internal interface ILanes<TVector, TLane>
    where TVector : struct
    where TLane : unmanaged
{
    static abstract int Count { get; }

    static abstract TVector Load(ref TLane origin, nuint offset);

    static abstract void Store(TVector value, ref TLane origin, nuint offset);

    static abstract TVector Min(TVector left, TVector right);

    static abstract TVector Max(TVector left, TVector right);

    static abstract TVector Add(TVector left, TVector right);

    static abstract TVector Subtract(TVector left, TVector right);
}
