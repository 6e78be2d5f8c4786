// Logarithm and normal quantile of models/portable_math.py, bit for bit: nothing but + - * / sqrt, frexp and
// comparisons, in the same order. Compile with -ffp-contract=off: a fused product and sum is rounded once, not twice.

#ifndef CURRENTS_PORTABLE_MATH_H
#define CURRENTS_PORTABLE_MATH_H

#include <cmath>
#include <cstddef>

namespace currents {

// A quotient of two polynomials, lowest power first.
struct Rational {
    double numerator[8];
    double denominator[8];
};

// PPND16: Wichura 1988, Algorithm AS 241, doi:10.2307/2347330.
constexpr Rational quantile_central = {
    {3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946, 45921.95393154987,
     67265.7709270087, 33430.57558358813, 2509.0809287301227},
    {1.0, 42.31333070160091, 687.1870074920579, 5394.196021424751, 21213.794301586597, 39307.89580009271,
     28729.085735721943, 5226.495278852854}};
constexpr Rational quantile_middle = {
    {1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045, 1.2704582524523684,
     0.2417807251774506, 0.022723844989269184, 0.0007745450142783414},
    {1.0, 2.053191626637759, 1.6763848301838038, 0.6897673349851, 0.14810397642748008, 0.015198666563616457,
     0.0005475938084995345, 1.0507500716444169e-09}};
constexpr Rational quantile_far = {
    {6.657904643501103, 5.463784911164114, 1.7848265399172913, 0.29656057182850487, 0.026532189526576124,
     0.0012426609473880784, 2.7115555687434876e-05, 2.0103343992922881e-07},
    {1.0, 0.599832206555888, 0.1369298809227358, 0.014875361290850615, 0.0007868691311456133,
     1.8463183175100548e-05, 1.421511758316446e-07, 2.0442631033899397e-15}};

// Horner's rule.
template <std::size_t n>
inline double polynomial(const double (&coefficients)[n], double x) {
    double total = coefficients[n - 1];
    for (std::size_t i = n - 1; i-- > 0;) {
        total = total * x;
        total = total + coefficients[i];
    }
    return total;
}

inline double ratio(const Rational& r, double x) { return polynomial(r.numerator, x) / polynomial(r.denominator, x); }

// The natural logarithm of a positive, finite number.
inline double log_portable(double x) {
    constexpr double sqrt_half = 0.7071067811865476;
    // ln 2 rounded to 33 bits, so that its product with any exponent is exact, and the rest.
    constexpr double ln2_high = 6.93147180369123816490e-01, ln2_low = 1.90821492927058770002e-10;
    // 2·atanh(s) = 2s·(1 + s²/3 + s⁴/5 + …)
    constexpr double atanh_terms[11] = {1.0,      1.0 / 3,  1.0 / 5,  1.0 / 7,  1.0 / 9, 1.0 / 11,
                                        1.0 / 13, 1.0 / 15, 1.0 / 17, 1.0 / 19, 1.0 / 21};
    int power = 0;
    double mantissa = std::frexp(x, &power);
    double exponent = power;
    if (mantissa < sqrt_half) {
        mantissa = mantissa + mantissa;
        exponent = exponent - 1.0;
    }
    const double s = (mantissa - 1.0) / (mantissa + 1.0);
    const double log_mantissa = 2.0 * s * polynomial(atanh_terms, s * s);
    return exponent * ln2_high + (log_mantissa + exponent * ln2_low);
}

// The quantile function of the standard normal distribution, for 0 < u < 1.
inline double normal_quantile(double u) {
    const double q = u - 0.5;
    if (std::fabs(q) <= 0.425) {
        return q * ratio(quantile_central, 0.180625 - q * q);
    }
    const double r = std::sqrt(-log_portable(u < 0.5 ? u : 1.0 - u));
    const double size = r <= 5.0 ? ratio(quantile_middle, r - 1.6) : ratio(quantile_far, r - 5.0);
    return u < 0.5 ? -size : size;
}

}  // namespace currents

#endif  // CURRENTS_PORTABLE_MATH_H
