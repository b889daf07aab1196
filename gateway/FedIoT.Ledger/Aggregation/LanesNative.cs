using System.Numerics;
using System.Runtime.CompilerServices;

namespace FedIoT.Ledger.Aggregation;

/// <summary>The runtime's own vectors: 256 bits with AVX2, 128 with NEON or SSE2.</summary>
internal readonly struct LanesNative<TLane> : ILanes<Vector<TLane>, TLane>
    where TLane : unmanaged
{
    public static int Count => Vector<TLane>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<TLane> Load(ref TLane origin, nuint offset) => Vector.LoadUnsafe(ref origin, offset);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector<TLane> value, ref TLane origin, nuint offset) =>
        value.StoreUnsafe(ref origin, offset);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<TLane> Min(Vector<TLane> left, Vector<TLane> right) => Vector.Min(left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<TLane> Max(Vector<TLane> left, Vector<TLane> right) => Vector.Max(left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<TLane> Add(Vector<TLane> left, Vector<TLane> right) => left + right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<TLane> Subtract(Vector<TLane> left, Vector<TLane> right) => left - right;
}
