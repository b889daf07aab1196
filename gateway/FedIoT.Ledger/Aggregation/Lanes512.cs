using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FedIoT.Ledger.Aggregation;

/// <summary>512-bit vectors, for processors that have them.</summary>
internal readonly struct Lanes512<TLane> : ILanes<Vector512<TLane>, TLane>
    where TLane : unmanaged
{
    public static int Count => Vector512<TLane>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<TLane> Load(ref TLane origin, nuint offset) => Vector512.LoadUnsafe(ref origin, offset);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<TLane> value, ref TLane origin, nuint offset) =>
        value.StoreUnsafe(ref origin, offset);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<TLane> Min(Vector512<TLane> left, Vector512<TLane> right) => Vector512.Min(left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<TLane> Max(Vector512<TLane> left, Vector512<TLane> right) => Vector512.Max(left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<TLane> Add(Vector512<TLane> left, Vector512<TLane> right) => left + right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<TLane> Subtract(Vector512<TLane> left, Vector512<TLane> right) => left - right;
}
