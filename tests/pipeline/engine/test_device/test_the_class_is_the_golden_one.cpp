// The neurons of the network. Arrays have the names that Brian2 gives them; `network.h` declares nothing but this file's
// one function, and program.cpp does the rest: it reads all numbers, delivers spikes, drives neurons and records.

#include "network.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>


namespace {

class neurons_own_adaptive : public currents::Group {
  public:
    explicit neurons_own_adaptive(currents::Clock& clock);

    void update_state(std::int64_t begin, std::int64_t end) override;
    void find_crossings(std::int64_t begin, std::int64_t end, char* __restrict crossed) override;
    void enter_arrivals(std::int64_t begin, std::int64_t end) override;
    void reset_neurons(const std::int32_t* neurons, std::size_t n_neurons) override;
    void finish_step(std::int64_t begin, std::int64_t end) override;

  private:
    double* _array_neurons_own_adaptive_El = nullptr;
    double* _array_neurons_own_adaptive_I_noise = nullptr;
    double* _array_neurons_own_adaptive_I_noise_into_v = nullptr;
    double* _array_neurons_own_adaptive_Vt = nullptr;
    int64_t* _array_neurons_own_adaptive__ready_step = nullptr;
    double* _array_neurons_own_adaptive_du = nullptr;
    int32_t* _array_neurons_own_adaptive_i = nullptr;
    double* _array_neurons_own_adaptive_in_noise = nullptr;
    double* _array_neurons_own_adaptive_keep_currents = nullptr;
    double* _array_neurons_own_adaptive_lastspike = nullptr;
    char* _array_neurons_own_adaptive_not_refractory = nullptr;
    double* _array_neurons_own_adaptive_propagate_I_noise_0 = nullptr;
    double* _array_neurons_own_adaptive_refractory_period = nullptr;
    double* _array_neurons_own_adaptive_scale_currents_noise = nullptr;
    double* _array_neurons_own_adaptive_sum_currents_noise = nullptr;
    double* _array_neurons_own_adaptive_tau_m = nullptr;
    double* _array_neurons_own_adaptive_tau_noise = nullptr;
    double* _array_neurons_own_adaptive_tau_u = nullptr;
    double* _array_neurons_own_adaptive_u = nullptr;
    double* _array_neurons_own_adaptive_v = nullptr;
    double* _array_step_clock_dt = nullptr;
    int64_t* _array_step_clock_timestep = nullptr;
};

neurons_own_adaptive::neurons_own_adaptive(currents::Clock& clock) : Group("neurons_own_adaptive") {
    _array_step_clock_dt = &clock.dt;
    _array_step_clock_timestep = &clock.timestep;
    declare_shared("El", &_array_neurons_own_adaptive_El);
    declare_array("I_noise", &_array_neurons_own_adaptive_I_noise);
    declare_shared("I_noise_into_v", &_array_neurons_own_adaptive_I_noise_into_v);
    declare_shared("Vt", &_array_neurons_own_adaptive_Vt);
    declare_array("_ready_step", &_array_neurons_own_adaptive__ready_step);
    declare_shared("du", &_array_neurons_own_adaptive_du);
    declare_array("i", &_array_neurons_own_adaptive_i);
    declare_array("in_noise", &_array_neurons_own_adaptive_in_noise);
    declare_shared("keep_currents", &_array_neurons_own_adaptive_keep_currents);
    declare_array("lastspike", &_array_neurons_own_adaptive_lastspike);
    declare_array("not_refractory", &_array_neurons_own_adaptive_not_refractory);
    declare_shared("propagate_I_noise_0", &_array_neurons_own_adaptive_propagate_I_noise_0);
    declare_shared("refractory_period", &_array_neurons_own_adaptive_refractory_period);
    declare_shared("scale_currents_noise", &_array_neurons_own_adaptive_scale_currents_noise);
    declare_array("sum_currents_noise", &_array_neurons_own_adaptive_sum_currents_noise);
    declare_array("tau_m", &_array_neurons_own_adaptive_tau_m);
    declare_shared("tau_noise", &_array_neurons_own_adaptive_tau_noise);
    declare_shared("tau_u", &_array_neurons_own_adaptive_tau_u);
    declare_array("u", &_array_neurons_own_adaptive_u);
    declare_array("v", &_array_neurons_own_adaptive_v);
}

void neurons_own_adaptive::update_state(std::int64_t begin, std::int64_t end) {
    double* _ptr_array_neurons_own_adaptive_El = _array_neurons_own_adaptive_El;
    double* __restrict _ptr_array_neurons_own_adaptive_I_noise = _array_neurons_own_adaptive_I_noise;
    int64_t* __restrict _ptr_array_neurons_own_adaptive__ready_step = _array_neurons_own_adaptive__ready_step;
    double* _ptr_array_step_clock_dt = _array_step_clock_dt;
    char* __restrict _ptr_array_neurons_own_adaptive_not_refractory = _array_neurons_own_adaptive_not_refractory;
    double* _ptr_array_neurons_own_adaptive_propagate_I_noise_0 = _array_neurons_own_adaptive_propagate_I_noise_0;
    int64_t* _ptr_array_step_clock_timestep = _array_step_clock_timestep;
    double* __restrict _ptr_array_neurons_own_adaptive_tau_m = _array_neurons_own_adaptive_tau_m;
    double* _ptr_array_neurons_own_adaptive_tau_u = _array_neurons_own_adaptive_tau_u;
    double* __restrict _ptr_array_neurons_own_adaptive_u = _array_neurons_own_adaptive_u;
    double* __restrict _ptr_array_neurons_own_adaptive_v = _array_neurons_own_adaptive_v;
    const double El = _ptr_array_neurons_own_adaptive_El[0];
    const double dt = _ptr_array_step_clock_dt[0];
    const double propagate_I_noise_0 = _ptr_array_neurons_own_adaptive_propagate_I_noise_0[0];
    const int64_t t_in_timesteps = _ptr_array_step_clock_timestep[0];
    const double tau_u = _ptr_array_neurons_own_adaptive_tau_u[0];
    const double _lio_1 = exp(1.0f*(- dt)/tau_u);
    const double _lio_2 = - dt;
#pragma GCC ivdep  // no two arrays overlap
    for (std::int64_t _idx = begin; _idx < end; ++_idx) {
        double I_noise = _ptr_array_neurons_own_adaptive_I_noise[_idx];
        const int64_t _ready_step = _ptr_array_neurons_own_adaptive__ready_step[_idx];
        char not_refractory = _ptr_array_neurons_own_adaptive_not_refractory[_idx];
        const double tau_m = _ptr_array_neurons_own_adaptive_tau_m[_idx];
        double u = _ptr_array_neurons_own_adaptive_u[_idx];
        double v = _ptr_array_neurons_own_adaptive_v[_idx];
        not_refractory = t_in_timesteps >= _ready_step;
        const double _u = _lio_1 * u;
        double _BA_v;
        if(!not_refractory)
            _BA_v = 0.0;
        else
            _BA_v = (- tau_m) * (((1.0f*El/tau_m) + (1.0f*I_noise/tau_m)) - (1.0f*u/tau_m));
        double _v;
        if(!not_refractory)
            _v = (- _BA_v) + (_BA_v + v);
        else
            _v = (- _BA_v) + ((_BA_v + v) * exp(1.0f*_lio_2/tau_m));
        u = _u;
        if(not_refractory)
            v = _v;
        const double _I_noise = propagate_I_noise_0 * I_noise;
        I_noise = _I_noise;
        _ptr_array_neurons_own_adaptive_I_noise[_idx] = I_noise;
        _ptr_array_neurons_own_adaptive_not_refractory[_idx] = not_refractory;
        _ptr_array_neurons_own_adaptive_u[_idx] = u;
        _ptr_array_neurons_own_adaptive_v[_idx] = v;
    }
}

void neurons_own_adaptive::find_crossings(std::int64_t begin, std::int64_t end, char* __restrict crossed) {
    double* _ptr_array_neurons_own_adaptive_Vt = _array_neurons_own_adaptive_Vt;
    double* __restrict _ptr_array_neurons_own_adaptive_v = _array_neurons_own_adaptive_v;
    const double Vt = _ptr_array_neurons_own_adaptive_Vt[0];
#pragma GCC ivdep  // no two arrays overlap
    for (std::int64_t _idx = begin; _idx < end; ++_idx) {
        const double v = _ptr_array_neurons_own_adaptive_v[_idx];
        const char _cond = v > Vt;
        crossed[_idx - begin] = _cond;
    }
}

void neurons_own_adaptive::enter_arrivals(std::int64_t begin, std::int64_t end) {
    double* __restrict _ptr_array_neurons_own_adaptive_I_noise = _array_neurons_own_adaptive_I_noise;
    double* __restrict _ptr_array_neurons_own_adaptive_in_noise = _array_neurons_own_adaptive_in_noise;
    double* _ptr_array_neurons_own_adaptive_keep_currents = _array_neurons_own_adaptive_keep_currents;
    double* __restrict _ptr_array_neurons_own_adaptive_sum_currents_noise = _array_neurons_own_adaptive_sum_currents_noise;
    const double keep_currents = _ptr_array_neurons_own_adaptive_keep_currents[0];
#pragma GCC ivdep  // no two arrays overlap
    for (std::int64_t _idx = begin; _idx < end; ++_idx) {
        double I_noise = _ptr_array_neurons_own_adaptive_I_noise[_idx];
        const double in_noise = _ptr_array_neurons_own_adaptive_in_noise[_idx];
        double sum_currents_noise = _ptr_array_neurons_own_adaptive_sum_currents_noise[_idx];
        I_noise += in_noise;
        const double _term_currents_noise = I_noise;
        sum_currents_noise = (keep_currents * sum_currents_noise) + _term_currents_noise;
        _ptr_array_neurons_own_adaptive_I_noise[_idx] = I_noise;
        _ptr_array_neurons_own_adaptive_sum_currents_noise[_idx] = sum_currents_noise;
    }
}

void neurons_own_adaptive::reset_neurons(const std::int32_t* neurons, std::size_t n_neurons) {
    double* _ptr_array_neurons_own_adaptive_El = _array_neurons_own_adaptive_El;
    double* _ptr_array_neurons_own_adaptive_du = _array_neurons_own_adaptive_du;
    double* __restrict _ptr_array_neurons_own_adaptive_u = _array_neurons_own_adaptive_u;
    double* __restrict _ptr_array_neurons_own_adaptive_v = _array_neurons_own_adaptive_v;
    const double El = _ptr_array_neurons_own_adaptive_El[0];
    const double du = _ptr_array_neurons_own_adaptive_du[0];
    for (std::size_t i_spike = 0; i_spike < n_neurons; ++i_spike) {
        const std::int32_t _idx = neurons[i_spike];
        double u = _ptr_array_neurons_own_adaptive_u[_idx];
        double v;
        v = El;
        u += du;
        _ptr_array_neurons_own_adaptive_u[_idx] = u;
        _ptr_array_neurons_own_adaptive_v[_idx] = v;
    }
}

void neurons_own_adaptive::finish_step(std::int64_t, std::int64_t) {
}

}  // namespace

const char network_key[] = "key";

std::vector<std::unique_ptr<currents::Group>> make_groups(currents::Clock& clock) {
    std::vector<std::unique_ptr<currents::Group>> groups;
    groups.push_back(std::make_unique<neurons_own_adaptive>(clock));
    return groups;
}
